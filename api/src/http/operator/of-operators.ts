/** What all routes for operators share. */
import type { requireOperator } from './require-operator.ts'

export interface OfOperators {
  onRequest: ReturnType<typeof requireOperator>
  security: { operator: string[] }[]
}

/** A reason and a name, with room for odd spellings. */
export const BODY_BYTES = 8 * 1024
