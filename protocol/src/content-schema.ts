/** The schemas of what an intention or a document says (content.ts). */
import { z } from 'zod'
import { type Content, findContentFault } from './content.ts'
import { text } from './json-schema.ts'

export const contentSchema = z
  .custom<Content>()
  .superRefine((value: unknown, context) => {
    const fault = findContentFault(value)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault.problem, path: fault.path })
  })
  .meta({
    type: 'array',
    items: {
      anyOf: [
        { type: 'string' },
        { type: 'object', properties: { type: { type: 'string', minLength: 1 } }, required: ['type'] },
      ],
    },
  })
  .describe('Text and typed nodes; fields of a node beside type are free')

/** Text that `intention.append` adds. */
export const appendedTextSchema = text({ min: 1 })
