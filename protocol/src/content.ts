/**
 * What an intention or a document says: an array of text and typed nodes. Appending is how text is streamed; both
 * the api and every client run `appendText`, so a stream ends in the same content everywhere. Sizes are settings of
 * a deployment (limits.ts), so schemas check shape only and the api checks bytes.
 */
import { z } from 'zod'
import { findJsonFault, isJsonObject, isStorable, type JsonObject, text, UNSTORABLE } from './json.ts'

export type Content = (string | JsonObject)[]

/** Checked in one loop, so that the cost is in proportion to the size, whatever the nodes are. */
export const contentSchema = z
  .custom<Content>()
  .superRefine((value: unknown, context) => {
    if (!Array.isArray(value)) return context.addIssue({ code: 'custom', message: 'must be an array' })
    for (const [index, node] of value.entries()) {
      const fault = findNodeFault(node)
      if (fault === undefined) continue
      return context.addIssue({ code: 'custom', message: fault, path: [index] })
    }
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

function findNodeFault(node: unknown): string | undefined {
  if (typeof node === 'string') return isStorable(node) ? undefined : UNSTORABLE
  if (!isJsonObject(node)) return 'must be text or a typed node'
  if (typeof node['type'] !== 'string' || node['type'] === '') return 'a node needs a type'
  return findJsonFault(node)
}

/** Text that `intention.append` adds. */
export const appendedTextSchema = text({ min: 1 })

/** Appends to the last node if it is text, else adds a text node. Returns a new array. */
export function appendText(to: Content, addition: string): Content {
  const last = to.at(-1)
  return typeof last === 'string' ? [...to.slice(0, -1), last + addition] : [...to, addition]
}
