/**
 * What an intention or a document says: an array of text and typed nodes. Appending is how text is streamed; both
 * the api and every client run `appendText`, so a stream ends in the same content everywhere. Sizes are settings of
 * a deployment (limits.ts), so schemas check shape only and the api checks bytes.
 */
import { z } from 'zod'
import { jsonObjectSchema, text } from './json.ts'

const typedNode = jsonObjectSchema
  .refine((node) => typeof node['type'] === 'string' && node['type'] !== '', 'a node needs a type')
  .describe('A typed node; fields beside type are free')

export const contentSchema = z.array(z.union([text(), typedNode])).describe('Text and typed nodes')
export type Content = z.infer<typeof contentSchema>

/** Text that `intention.append` adds. */
export const appendedTextSchema = text({ min: 1 })

/** Appends to the last node if it is text, else adds a text node. Returns a new array. */
export function appendText(to: Content, addition: string): Content {
  const last = to.at(-1)
  return typeof last === 'string' ? [...to.slice(0, -1), last + addition] : [...to, addition]
}
