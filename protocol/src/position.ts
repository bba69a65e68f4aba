/**
 * Where a holder stands in the log of one space. What of a run follows one is decided by place.ts.
 *
 * The pair (epoch, version) is what Centrifugo calls a stream position; the rule that a delta names the version it
 * starts from is that of Convex transitions.
 */
import { z } from 'zod'
import { type Epoch, epochSchema } from './id.ts'

export const versionSchema = z.int().min(0).describe('Grows by exactly one per change of a space')
export const positionSchema = z.object({ epoch: epochSchema, version: versionSchema })
/** Of a log. What a gateway writes of presence is numbered alike, under its boot id instead of an epoch. */
export interface Position<History = Epoch> {
  epoch: History
  version: number
}
