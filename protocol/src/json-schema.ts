/** The schemas of text and of free JSON (json.ts). */
import { z } from 'zod'
import { findJsonFault, isJsonObject, isStorable, type JsonObject, UNSTORABLE } from './json.ts'

/** A string that can be stored. */
export const text = (bounds: { min?: number; max?: number } = {}) =>
  z
    .string()
    .min(bounds.min ?? 0)
    .max(bounds.max ?? Number.MAX_SAFE_INTEGER)
    .refine(isStorable, UNSTORABLE)

/**
 * An object of free JSON, checked for what cannot be stored. It is handed on as it is and not copied: what JSON parsed
 * holds nothing but JSON.
 */
export const jsonObjectSchema = z
  .custom<JsonObject>()
  .superRefine((value: unknown, context) => {
    const fault = isJsonObject(value) ? findJsonFault(value) : 'must be an object'
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })
  .meta({ type: 'object' })
