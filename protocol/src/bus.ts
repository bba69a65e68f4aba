/**
 * What travels over Redis between api and gateways: hints, never truth. A message on a space's channel is one line of
 * header, which the gateway reads, then the client frame, which it forwards without parsing:
 *
 *   rhizom1 changes <epoch> <from> <to> <access|-> <erases|->\n{"type":"changes",…}
 *   rhizom1 signal <being> <name>\n{"type":"signal",…}
 *   rhizom1 presence <bootId> <from> <to>\n{"put":{…},"left":{…}}
 *
 * `access` marks a run that holds a change of members or visibility, `erases` one that removes what was said: whoever
 * keeps earlier changes blanks its words in them. A presence message is for gateways alone: `from`
 * and `to` are the writes of that gateway to this space, so that a missing one shows (presence.ts). A message of an
 * unknown kind or version is ignored, so that nodes of two releases can share a bus: the log covers what is skipped.
 *
 * Four channels concern no single space: where lately changed spaces stand, which beings were removed and which
 * sessions ended, whose tokens are no longer good, which beings have work to claim, and to whom a space became another
 * one than it was (read, entered, left, its role). The first two are repeated for a while, as JSON, and can be asked of
 * the api (internal.ts); who waits for work, and a gateway for news, asks by itself now and then.
 *
 * Every message is sealed before it is published, and opened before anything above reads it (package `process`,
 * bus-seal.ts): a line with the signature stands before what is described here.
 */
import { z } from 'zod'
import { altersAccess, type Change, erasesWords } from './change.ts'
import {
  endedSessionsSchema,
  type EndedSessions,
  headsSchema,
  type Heads,
  type Revoked,
  type RevokedIds,
  revokedSchema,
} from './internal.ts'
import { type BeingId, beingIdSchema, type Epoch, epochSchema, type SpaceId, spaceIdSchema } from './id.ts'
import { type Parsed, parseJson } from './codec.ts'
import { type BootId, bootIdSchema, type PresenceHint, presenceHintSchema } from './presence.ts'

/** What the names in Redis begin with where no `REDIS_PREFIX` says otherwise. */
export const DEFAULT_REDIS_PREFIX = 'rhizom:'

/** Redis names. The space stands in braces, so that all of its names hash to one slot of a cluster. */
export const redisNames = (prefix: string) =>
  ({
    spaceChannel: (space: SpaceId): string => `${prefix}{${space}}`,
    headsChannel: `${prefix}heads`,
    revokedChannel: `${prefix}revoked`,
    workChannel: `${prefix}work`,
    newsChannel: `${prefix}news`,
    gatewaysChannel: `${prefix}gateways`,
    /** Nobody listens there: whoever publishes finds out whether it may. */
    checkChannel: `${prefix}check`,
    gatewayLease: (bootId: string): string => `${prefix}gateway:${bootId}`,
    gatewaySpaces: (bootId: string): string => `${prefix}gateway:${bootId}:spaces`,
    knownGateways: `${prefix}gateways:known`,
    here: (space: SpaceId): string => `${prefix}{${space}}:here`,
    /** What somebody may still ask for. A time, which at another rate would be another debt: that has another name. */
    rate: (name: string, account: string, perSecond: number): string => `${prefix}rate:${name}:${account}:${perSecond}`,
  }) as const
export type RedisNames = ReturnType<typeof redisNames>

export const REDIS = redisNames(DEFAULT_REDIS_PREFIX)

const revokedMessageSchema = z.object({ beings: revokedSchema, sessions: endedSessionsSchema.optional() })
const newsMessageSchema = z.object({ spaces: z.record(spaceIdSchema, z.array(beingIdSchema)) })
const workMessageSchema = z.object({ beings: z.array(beingIdSchema) })

const MARK = 'rhizom1'
const NEWLINE = 0x0a
const MAX_HEADER_BYTES = 256
/** In the header; a longer name stays out of it. */
const MAX_SIGNAL_WORD = 96

export interface ChangesMessage {
  kind: 'changes'
  epoch: Epoch
  from: number
  to: number
  /** Whether the run may alter who may read the space. */
  altersAccess: boolean
  /** Whether the run removes words that earlier changes carry. */
  erases: boolean
  /** The frame for clients: one line of JSON in UTF-8. */
  frame: Uint8Array
}

export interface SignalMessage {
  kind: 'signal'
  being: BeingId
  /** The name as a word, to tell signals apart. Missing where it is too long. */
  word: string | undefined
  frame: Uint8Array
}

export interface PresenceMessage {
  kind: 'presence'
  bootId: BootId
  /** The gateway's write to this space before this one; 0 if there was none: then this is all it has there. */
  from: number
  to: number
  body: Uint8Array
}

export type SpaceMessage = ChangesMessage | SignalMessage | PresenceMessage

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The message that announces changes `from+1 … to` of a space. `changes` must not be empty. */
export function encodeChangesMessage(
  space: SpaceId,
  epoch: Epoch,
  from: number,
  changes: readonly Change[],
): Uint8Array {
  const to = from + changes.length
  const access = changes.some((change) => altersAccess(change.kind)) ? 'access' : '-'
  const words = changes.some((change) => erasesWords(change.kind)) ? 'erases' : '-'
  const frame = JSON.stringify({ type: 'changes', space, epoch, from, to, changes })
  return encoder.encode(`${MARK} changes ${epoch} ${from} ${to} ${access} ${words}\n${frame}`)
}

/** The message that carries a signal to the watchers of a space. */
export function encodeSignalMessage(space: SpaceId, from: BeingId, name: string, data: unknown): Uint8Array {
  const frame = JSON.stringify({ type: 'signal', space, from, name, data })
  const word = encodeURIComponent(name)
  return encoder.encode(`${MARK} signal ${from}${word.length > MAX_SIGNAL_WORD ? '' : ` ${word}`}\n${frame}`)
}

/** The hint that follows a gateway's write to the presence of a space. */
export const encodePresenceMessage = (bootId: BootId, from: number, to: number, hint: PresenceHint): Uint8Array =>
  encoder.encode(`${MARK} presence ${bootId} ${from} ${to}\n${JSON.stringify(hint)}`)

export const parsePresenceHint = ({ body }: PresenceMessage): Parsed<PresenceHint> =>
  parseJson(presenceHintSchema, decoder.decode(body))

const versionOf = (word: string | undefined): number | undefined =>
  word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : undefined

/** Reads the header of a message; the frame is a view into the same bytes. */
export function parseSpaceMessage(message: Uint8Array): Parsed<SpaceMessage> {
  const end = message.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE)
  if (end < 0) return { ok: false, problem: 'no header' }
  const words = decoder.decode(message.subarray(0, end)).split(' ')
  const frame = message.subarray(end + 1)
  if (words[0] !== MARK) return { ok: false, problem: 'a message of another version' }
  switch (words[1]) {
    case 'changes': {
      const epoch = epochSchema.safeParse(words[2])
      const from = versionOf(words[3])
      const to = versionOf(words[4])
      if (!epoch.success || from === undefined || to === undefined || to <= from)
        return { ok: false, problem: 'a malformed header' }
      return {
        ok: true,
        value: {
          ...{ kind: 'changes', epoch: epoch.data, from, to, frame },
          ...{ altersAccess: words[5] === 'access', erases: words[6] === 'erases' },
        },
      }
    }
    case 'signal':
      if (words[2] === undefined) return { ok: false, problem: 'a malformed header' }
      return { ok: true, value: { kind: 'signal', being: words[2], word: words[3], frame } }
    case 'presence': {
      const bootId = bootIdSchema.safeParse(words[2])
      const from = versionOf(words[3])
      const to = versionOf(words[4])
      if (!bootId.success || from === undefined || to === undefined || to <= from)
        return { ok: false, problem: 'a malformed header' }
      return { ok: true, value: { kind: 'presence', bootId: bootId.data, from, to, body: frame } }
    }
    default:
      return { ok: false, problem: 'an unknown kind' }
  }
}

/** The announcement of lately changed spaces on `REDIS.headsChannel`. */
export const encodeHeadsMessage = (positions: Heads): string => JSON.stringify(positions)
export const parseHeadsMessage = (message: string): Parsed<Heads> => parseJson(headsSchema, message)

/** Beings that were removed, and sessions that were ended, on `REDIS.revokedChannel`. */
export const encodeRevokedMessage = (beings: Revoked, sessions: EndedSessions = {}): string =>
  JSON.stringify({ beings, sessions })
export const parseRevokedMessage = (message: string): Parsed<RevokedIds> => {
  const parsed = parseJson(revokedMessageSchema, message)
  return parsed.ok ? { ok: true, value: { ...parsed.value.beings, ...parsed.value.sessions } } : parsed
}

/** Beings that have work to claim, on `REDIS.workChannel`. */
export const encodeWorkMessage = (beings: readonly BeingId[]): string => JSON.stringify({ beings })
export const parseWorkMessage = (message: string): Parsed<BeingId[]> => {
  const parsed = parseJson(workMessageSchema, message)
  return parsed.ok ? { ok: true, value: parsed.value.beings } : parsed
}

/** To whom which space is another one than before, on `REDIS.newsChannel`. */
export const encodeNewsMessage = (spaces: Readonly<Record<SpaceId, readonly BeingId[]>>): string =>
  JSON.stringify({ spaces })
export const parseNewsMessage = (message: string): Parsed<Record<SpaceId, BeingId[]>> => {
  const parsed = parseJson(newsMessageSchema, message)
  return parsed.ok ? { ok: true, value: parsed.value.spaces } : parsed
}
