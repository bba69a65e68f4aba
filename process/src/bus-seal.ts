/**
 * What goes over Redis between our processes is signed, so that whoever reaches Redis can withhold and repeat messages
 * and cannot make any. A sealed message is a line with the signature, then the message as it is:
 *
 *   <HMAC-SHA-256, cut to 128 bits, in base64url>\n<message>
 *
 * The signature covers what was published, as bytes and all at once; the name that it is published or stored under, so
 * that nothing said in one space can be moved to another; and the id of the installation, which the api keeps in
 * Postgres, so that two installations that were given the same secrets do not hear each other. Until that id is known
 * nothing can be signed or believed: the log is read instead, as while Redis is away.
 *
 * Of several keys the first signs and all verify: a key is replaced by adding the new one everywhere, then putting it
 * first, then leaving the old one out.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import { type RedisNames, redisNames } from '@rhizom/protocol'
import type { Clock } from '@rhizom/machine'
import { ConditionLog } from './condition-log.ts'
import type { Log } from './log.ts'

export interface BusSealDeps {
  /** Of all our processes alike; the first signs. */
  secrets: readonly string[]
  prefix: string
  /** Told of everything that was opened or was not good. */
  opened(outcome: OpenOutcome): void
}

/** `early`: the installation is not known yet. */
export type OpenOutcome = 'verified' | 'forged' | 'early'

const TAG_BYTES = 16
const TAG_LENGTH = 22
const NEWLINE = 0x0a
const LINE_BREAK = Buffer.from([NEWLINE])
const KEY_BYTES = 32

export class BusSeal {
  readonly names: RedisNames
  readonly #keys: readonly KeyObject[]
  readonly #opened: (outcome: OpenOutcome) => void
  readonly #known = Promise.withResolvers<void>()
  #installation: string | undefined

  constructor({ secrets, prefix, opened }: BusSealDeps) {
    if (secrets.length === 0) throw new Error('a bus without a key')
    this.names = redisNames(prefix)
    this.#keys = secrets.map(busKey)
    this.#opened = opened
  }

  get installation(): string | undefined {
    return this.#installation
  }

  /** Resolves when the installation is known. */
  known(): Promise<void> {
    return this.#known.promise
  }

  /** What the api says of itself; what it said last counts. */
  installationLearned(id: string): void {
    this.#installation = id
    this.#known.resolve()
  }

  /** The message as it is published or stored under a name. Nothing while nobody could believe it. */
  seal(name: string, message: Uint8Array | string): Buffer | undefined {
    const [key] = this.#keys
    if (key === undefined || this.#installation === undefined) return undefined
    const bytes = typeof message === 'string' ? Buffer.from(message) : message
    return Buffer.concat([tagOf(key, this.#installation, name, bytes), LINE_BREAK, bytes])
  }

  /** What was sealed under this name, as a view into the same bytes; nothing if it was not, or by somebody else. */
  open(name: string, sealed: Uint8Array): Buffer | undefined {
    const outcome = this.#outcomeOf(name, sealed)
    this.#opened(outcome)
    return outcome === 'verified' ? bodyOf(sealed) : undefined
  }

  #outcomeOf(name: string, sealed: Uint8Array): OpenOutcome {
    const installation = this.#installation
    if (installation === undefined) return 'early'
    if (sealed.length <= TAG_LENGTH || sealed[TAG_LENGTH] !== NEWLINE) return 'forged'
    const tag = sealed.subarray(0, TAG_LENGTH)
    const body = bodyOf(sealed)
    return this.#keys.some((key) => timingSafeEqual(tagOf(key, installation, name, body), tag)) ? 'verified' : 'forged'
  }
}

const bodyOf = (sealed: Uint8Array): Buffer =>
  Buffer.from(sealed.buffer, sealed.byteOffset + TAG_LENGTH + 1, sealed.byteLength - TAG_LENGTH - 1)

/** A key of its own, whatever else the secret is used for. */
const busKey = (secret: string): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'rhizom bus', KEY_BYTES)))

/** Neither an id nor a name holds a line break. */
function tagOf(key: KeyObject, installation: string, name: string, message: Uint8Array): Buffer {
  const digest = createHmac('sha256', key).update(`${installation}\n${name}\n`).update(message).digest()
  // Compared as it is written: of the last character not every bit counts, and bytes would be the same for several.
  return Buffer.from(digest.toString('base64url', 0, TAG_BYTES), 'latin1')
}

/** It is good again when none came for so long; until then it is said once a minute. */
const FORGERIES_SETTLE_MS = 60_000

export const forgeries = (log: Log, clock: Clock): ConditionLog =>
  new ConditionLog({
    ...{ name: 'forgeries', log, clock, settleMs: FORGERIES_SETTLE_MS },
    whenGood: 'what comes over Redis is signed by ours again',
  })

/** Says when messages come that none of ours signed, and when none came for a while. */
export function watchForgeries(condition: ConditionLog): (outcome: OpenOutcome) => void {
  return (outcome) => {
    if (outcome === 'forged') condition.bad(NOT_SIGNED)
    else if (outcome === 'verified') condition.good()
  }
}

const NOT_SIGNED = {
  reason:
    'messages that none of ours signed come over Redis and are dropped: BUS_KEYS or INTERNAL_TOKEN differ between ' +
    'processes, releases are mixed, another installation has the same REDIS_PREFIX, or somebody makes them up',
  problem: 'a signature that is not good',
}
