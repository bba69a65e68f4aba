/**
 * A claim on an intention that somebody has to carry out: a bot its reply, a worker its job. The first who asks has it
 * (`intention.claim`) for as long as the lease runs; each append renews it. Whoever writes while it stands names its
 * `fence`, so that a holder who was taken for dead and comes back writes nothing.
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
export const leaseMsSchema = z.int().min(1).describe('How long the claim stands unless it is renewed')

/** Why something failed, in words for people. */
export const reasonSchema = text({ min: 1, max: 500 })
