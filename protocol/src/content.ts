/**
 * What an intention or a document says: an array of text and typed nodes. Appending is how text is streamed; both
 * the api and every client run `appendText`, so a stream ends in the same content everywhere. Sizes are settings of
 * a deployment (limits.ts), so schemas check shape only and the api checks bytes.
 */
import { findJsonFault, isJsonObject, isStorable, type JsonObject, UNSTORABLE } from './json.ts'

export type Content = (string | JsonObject)[]

/** Why a value is no content, and at which node. One loop over all of it: the cost is in proportion to the size. */
export function findContentFault(value: unknown): { problem: string; path: number[] } | undefined {
  if (!Array.isArray(value)) return { problem: 'must be an array', path: [] }
  for (const [index, node] of value.entries()) {
    const problem = findNodeFault(node)
    if (problem !== undefined) return { problem, path: [index] }
  }
  return undefined
}

function findNodeFault(node: unknown): string | undefined {
  if (typeof node === 'string') return isStorable(node) ? undefined : UNSTORABLE
  if (!isJsonObject(node)) return 'must be text or a typed node'
  if (typeof node['type'] !== 'string' || node['type'] === '') return 'a node needs a type'
  return findJsonFault(node)
}

/** Appends to the last node if it is text, else adds a text node. Returns a new array. */
export function appendText(to: Content, addition: string): Content {
  const last = to.at(-1)
  return typeof last === 'string' ? [...to.slice(0, -1), last + addition] : [...to, addition]
}
