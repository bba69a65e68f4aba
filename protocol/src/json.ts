/**
 * Text and JSON that every part can keep. Postgres stores neither U+0000 nor half a surrogate pair, so both are
 * refused at the door with the path of the fault, and not deep inside a transaction shared with other writers.
 */
export const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed()
export const UNSTORABLE = 'must not contain U+0000 or half a surrogate pair'

/** Neither space nor control nor mark alone, nor what has a letter's name and no shape. */
const VISIBLE = /[^\p{Z}\p{C}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u

/** A name that shows. */
export const isNotBlank = (text: string): boolean => VISIBLE.test(text)
export const NOT_BLANK = 'must not be blank: one character has to be visible'

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** How deep free JSON may nest: enough for documents, too little to exhaust a stack. */
export const MAX_JSON_DEPTH = 32

/**
 * Why a parsed value cannot be kept as free JSON. One loop over all of it, without recursion: the cost is in proportion
 * to its size, whatever its shape.
 */
export function findJsonFault(value: unknown): string | undefined {
  const values: unknown[] = [value]
  const depths: number[] = [0]
  while (values.length > 0) {
    const item = values.pop()
    const depth = depths.pop() ?? 0
    if (typeof item === 'string') {
      if (!isStorable(item)) return UNSTORABLE
    } else if (typeof item === 'object' && item !== null) {
      if (depth >= MAX_JSON_DEPTH) return `must not nest deeper than ${MAX_JSON_DEPTH}`
      for (const key of Array.isArray(item) ? [] : Object.keys(item)) {
        if (!isStorable(key)) return UNSTORABLE
        if (key === '__proto__') return 'must not have a key __proto__'
      }
      for (const inner of Object.values(item)) {
        if (typeof inner === 'number' || typeof inner === 'boolean') continue
        values.push(inner)
        depths.push(depth + 1)
      }
    }
  }
  return undefined
}

/** Whether this is an object in the sense of JSON. */
export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export interface JsonObject {
  [key: string]: Json
}

/** Bytes of a value as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length
