import type { Content, JsonObject } from '@rhizom/protocol'

/** What an intention says, as plain text; a typed node stands as its type. */
export const textOf = (content: Content): string =>
  content.map((node) => (typeof node === 'string' ? node : `[${nameOf(node)}]`)).join('')

const nameOf = (node: JsonObject): string => (typeof node['type'] === 'string' ? node['type'] : 'node')
