/**
 * A claim on an intention that somebody has to carry out: a bot its reply, a worker its job. The first who asks has it
 * (`intention.claim`) for as long as the lease runs; its appends renew it, and so does claiming again. Whoever shares
 * its being with other copies claims with fence 0 and names its `fence` from then on, so that a holder who was taken
 * for dead and comes back writes nothing.
 *
 *   draft ── intention.claim ──► active, claim {by, fence, until} ── intention.update ──► complete · failed · cancelled
 *     ▲                            │
 *     └────────────── the lease ran out: what was written is kept in `former`, `attempt` + 1
 */
import { z } from 'zod'
import { beingIdSchema } from './id.ts'
import { text } from './json-schema.ts'
import { versionSchema } from './position.ts'

export const claimSchema = z.object({
  by: beingIdSchema.describe('Who claimed it'),
  fence: versionSchema.min(1).describe('The version of the claim; named by whoever writes under it'),
  until: z.int().describe('When the lease runs out unless it is renewed; milliseconds since 1970'),
})
export type Claim = z.infer<typeof claimSchema>

export const fenceSchema = versionSchema.min(1)
export const claimFenceSchema = versionSchema.describe(
  'Left out by whoever holds the claim or wants it; 0: only if nobody holds it; else: only if this one stands',
)
export const leaseMsSchema = z.int().min(1).describe('How long the claim stands unless it is renewed')

/** Why something failed, in words for people. */
export const reasonSchema = text({ min: 1, max: 500 })
