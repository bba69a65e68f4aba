/**
 * Text and JSON that every part can keep. Postgres stores neither U+0000 nor half a surrogate pair, so both are
 * refused at the door with the path of the fault, and not deep inside a transaction shared with other writers.
 */
import { z } from 'zod'

const keepable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed()
const complaint = 'must not contain U+0000 or half a surrogate pair'

/** A string that can be stored. */
export const text = (bounds: { min?: number; max?: number } = {}) =>
  z
    .string()
    .min(bounds.min ?? 0)
    .max(bounds.max ?? Number.MAX_SAFE_INTEGER)
    .refine(keepable, complaint)

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** How deep free JSON may nest: enough for documents, too little to exhaust a parser's stack. */
export const MAX_JSON_DEPTH = 32

const findFault = (value: unknown, depth: number): string | undefined => {
  if (typeof value === 'string') return keepable(value) ? undefined : complaint
  if (typeof value !== 'object' || value === null) return undefined
  if (depth >= MAX_JSON_DEPTH) return `must not nest deeper than ${MAX_JSON_DEPTH}`
  for (const [key, item] of Object.entries(value)) {
    const fault = keepable(key) ? findFault(item, depth + 1) : complaint
    if (fault !== undefined) return fault
  }
  return undefined
}

/** An object of free JSON, checked for what cannot be stored. */
export const jsonObjectSchema = z.record(z.string(), z.json()).superRefine((value, context) => {
  const fault = findFault(value, 0)
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
})
export type JsonObject = z.infer<typeof jsonObjectSchema>

/** Bytes of a value as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length
