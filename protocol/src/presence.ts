/**
 * Presence as gateways keep it in Redis and tell each other. A gateway is known by its boot id for as long as its lease
 * lives, and writes only fields of its own:
 *
 *   rhizom:gateway:<bootId>      key with TTL   `{"formerly": […], …}`: present while the gateway heartbeats
 *   rhizom:{@space}:here         hash           `<bootId>/<being>` → PresenceEntry
 *   rhizom:gateways:known        sorted set     boot ids by the date of their last heartbeat, until they are cleaned up
 *   rhizom:gateway:<bootId>:spaces  set         the spaces in which the gateway has entries: what to clear up
 *   rhizom:{@space}              channel        after each write a hint: which entries of this gateway came or went
 *   rhizom:gateways              channel        GatewayBeat: which spaces a gateway wrote lately, and that it stops
 *
 * A boot id whose lease has run out never comes back: a gateway that was suspended for too long takes another one and
 * names the `formerly`. So the entries of a boot id without a lease may be removed by anybody, at any time, twice.
 */
import { z } from 'zod'
import { type Parsed, parseJson } from './codec.ts'
import { hereSchema, timeMsSchema } from './entity.ts'
import { type BeingId, beingIdSchema, type Id, spaceIdSchema } from './id.ts'

/** A gateway, for as long as its lease lives. */
export type BootId = Id<'boot'>
export const bootIdSchema: z.ZodType<BootId, string> = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)

/** Grows with each write of a gateway, whatever the space. */
const revSchema = z.int().min(0)

/** A being on one gateway. */
export const presenceEntrySchema = hereSchema.omit({ being: true }).extend({
  setAt: timeMsSchema.default(0).describe('When the state was set; 0 if it never was'),
  rev: revSchema.default(0).describe('Which write of its gateway this was'),
})
export type PresenceEntry = z.infer<typeof presenceEntrySchema>

export const presenceField = (bootId: BootId, being: BeingId): string => `${bootId}/${being}`

/** The parts of a field; undefined if it is none of ours. */
export function parsePresenceField(field: string): { bootId: BootId; being: BeingId } | undefined {
  const slash = field.indexOf('/')
  const bootId = bootIdSchema.safeParse(field.slice(0, Math.max(0, slash)))
  const being = beingIdSchema.safeParse(field.slice(slash + 1))
  return bootId.success && being.success ? { bootId: bootId.data, being: being.data } : undefined
}

/**
 * One being that is connected through several gateways, as the world sees it: here since the earliest, in the state
 * that was set last. Of two set in the same millisecond that of the greater boot id counts, so that all agree.
 */
export function mergePresence(
  entries: Iterable<readonly [BootId, PresenceEntry]>,
): Pick<PresenceEntry, 'state' | 'since' | 'setAt'> | undefined {
  let latest: readonly [BootId, PresenceEntry] | undefined
  let since = Number.POSITIVE_INFINITY
  for (const one of entries) {
    since = Math.min(since, one[1].since)
    if (latest === undefined || one[1].setAt > latest[1].setAt) latest = one
    else if (one[1].setAt === latest[1].setAt && one[0] > latest[0]) latest = one
  }
  return latest === undefined ? undefined : { state: latest[1].state, since, setAt: latest[1].setAt }
}

/**
 * What stands in a lease. One that was lost and taken anew may not have been the only one: until the time named, others
 * that live may be about to say again who is here through them.
 */
export const gatewayLeaseSchema = z.object({
  formerly: z.array(bootIdSchema),
  doubtfulUntil: timeMsSchema.optional(),
})

/**
 * What a gateway wrote of a space. Without `put` the message is too large to be carried and the hash has to be read.
 * `left` tells when each was last connected.
 */
export const presenceHintSchema = z.object({
  put: z.record(beingIdSchema, presenceEntrySchema).optional(),
  left: z.record(beingIdSchema, timeMsSchema),
  formerly: z.array(bootIdSchema).default([]),
})
export type PresenceHint = z.infer<typeof presenceHintSchema>

/** On `rhizom:gateways`: `wrote` lists the spaces written lately with the last write, `stops` is the last word. */
export const gatewayBeatSchema = z.object({
  bootId: bootIdSchema,
  wrote: z.record(spaceIdSchema, revSchema),
  stops: z.boolean().default(false),
})
export type GatewayBeat = z.infer<typeof gatewayBeatSchema>

export const encodeGatewayBeat = (beat: GatewayBeat): string => JSON.stringify(beat)
export const parseGatewayBeat = (message: string): Parsed<GatewayBeat> => parseJson(gatewayBeatSchema, message)
