/** What a heap snapshot of V8 holds, by constructor: how many of each and their own bytes. */
import { z } from 'zod'

const snapshotSchema = z.object({
  snapshot: z.object({
    meta: z.object({ node_fields: z.array(z.string()), node_types: z.array(z.unknown()) }),
  }),
  nodes: z.array(z.number()),
  strings: z.array(z.string()),
})

export interface Held {
  count: number
  bytes: number
}
export type HeapSummary = ReadonlyMap<string, Held>

const typesSchema = z.array(z.string())

/** Strings, numbers and closures are told apart from objects, and closures by the function they are of. */
export function summarize(json: string): HeapSummary {
  const { snapshot, nodes, strings } = snapshotSchema.parse(JSON.parse(json))
  const { node_fields: fields, node_types: kinds } = snapshot.meta
  const types = typesSchema.parse(kinds[fields.indexOf('type')])
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field))
  if (type === undefined || name === undefined || size === undefined) throw new Error('no snapshot of a heap')
  const held = new Map<string, Held>()
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[nodes[at + type] ?? 0] ?? ''
    const named = strings[nodes[at + name] ?? 0] ?? ''
    const key = kind === 'object' || kind === 'native' ? named : isOneKind(kind) ? kind : `${kind} ${named}`
    const known = held.get(key) ?? { count: 0, bytes: 0 }
    known.count += 1
    known.bytes += nodes[at + size] ?? 0
    held.set(key, known)
  }
  return held
}

const isOneKind = (kind: string): boolean => /string|number|bigint|symbol|regexp/.test(kind)

/** What there is more of than before, most bytes first. */
export function growth(before: HeapSummary, after: HeapSummary): [string, Held][] {
  const grown = [...after].map(([key, { count, bytes }]): [string, Held] => {
    const was = before.get(key) ?? { count: 0, bytes: 0 }
    return [key, { count: count - was.count, bytes: bytes - was.bytes }]
  })
  return grown.filter(([, { bytes }]) => bytes > 0).sort(([, one], [, other]) => other.bytes - one.bytes)
}
