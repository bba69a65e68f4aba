/** One line of a message, from either end: tells a frame of an unknown type, which is ignored, from a malformed one. */
import { type Parsed, parseText } from './codec.ts'

/** A frame of a type that its reader does not know. */
export interface Ignored {
  ok: true
  value: { type: 'ignored'; unknownType: string }
}

/** Reads a line with one of the known types by `read`. */
export function parseLine<T>(
  line: string,
  types: ReadonlySet<string>,
  read: (json: unknown) => Parsed<T>,
): Parsed<T> | Ignored {
  const typed = parseTyped(line)
  if (!typed.ok) return typed
  const { type, json } = typed.value
  return types.has(type) ? read(json) : { ok: true, value: { type: 'ignored', unknownType: type } }
}

/** What a line says in JSON, with its type. */
export function parseTyped(line: string): Parsed<{ type: string; json: unknown }> {
  const parsed = parseText(line)
  if (!parsed.ok) return parsed
  const json = parsed.value
  const type = typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined
  if (typeof type !== 'string') return { ok: false, problem: 'a frame is an object with a type' }
  return { ok: true, value: { type, json } }
}
