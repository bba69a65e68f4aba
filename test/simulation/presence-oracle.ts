/**
 * What those who watch may be told of who is here, judged by the facts (presence-ledger.ts): that nobody blinks who was
 * never away for long (S21), and that who is away goes, in time and with the others of a crashed gateway (S22). Both
 * hold while nothing disturbs Redis or the way to it; what must hold after any disturbance is S19 (presence-truth.ts).
 */
import type { PresenceFrame, RosterAccount } from '@rhizom/kit/roster-account.ts'
import type { BeingId, SpaceId } from '@rhizom/protocol'
import { windowFor } from '../../gateway/src/core/presence/roster.ts'
import type { Oracle } from './oracle.ts'
import type { PresenceTuning } from './plan.ts'
import { PresenceLedger, type ProcessFacts } from './presence-ledger.ts'
import type { RosterAudit, RosterJudge } from './roster-audit.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Whoever came this long ago is known to all: writes are gathered, hints travel, frames wait for their window. */
const KNOWN_AFTER_MS = 500
/** From what is known to what is on the wire. */
const SLACK_MS = 500
/** From the making of a frame to its sending. */
const FAN_OUT_MS = 50

export class PresenceOracle implements RosterJudge {
  readonly audits = new Set<RosterAudit>()
  readonly ledger: PresenceLedger
  readonly tuning: PresenceTuning
  /** Nobody comes or goes until then: whatever happens to Redis, nobody may be told so. */
  nobodyLeavesUntil = Number.NEGATIVE_INFINITY
  readonly #time: VirtualTime
  readonly #oracle: Oracle
  readonly #named = new Map<string, number>()
  /** When the last frame was sent by each gateway to each space, and the one before it. */
  readonly #flushes = new Map<string, { at: number; before: number }>()
  /** The moment at which each connection was told of the end of each crashed gateway. */
  readonly #wrecksTold = new Map<string, number>()

  readonly #met: (what: string) => void

  constructor(
    oracle: Oracle,
    time: VirtualTime,
    presence: PresenceTuning,
    isTroubled: () => boolean,
    met: (what: string) => void,
  ) {
    this.#oracle = oracle
    this.#met = met
    this.#time = time
    this.tuning = presence
    this.ledger = new PresenceLedger(time, presence, isTroubled, (space, being) => this.#lost(space, being))
  }

  fail(rule: string, text: string): void {
    this.#oracle.fail(rule, text)
  }

  named(process: ProcessFacts, space: SpaceId, beings: readonly BeingId[]): void {
    for (const being of beings) this.#named.set(`${process.name} ${space} ${being}`, this.#time.now())
  }

  wasNamed(process: ProcessFacts, space: SpaceId, being: BeingId): boolean {
    const at = this.#named.get(`${process.name} ${space} ${being}`)
    const { before } = this.#flushes.get(`${process.name} ${space}`) ?? { before: 0 }
    return at !== undefined && at >= before - FAN_OUT_MS
  }

  flushed(process: ProcessFacts, space: SpaceId): void {
    const key = `${process.name} ${space}`
    const now = this.#time.now()
    const { at, before } = this.#flushes.get(key) ?? { at: 0, before: 0 }
    this.#flushes.set(key, { at: now, before: at === now ? before : at })
  }

  told(audit: RosterAudit, { space, left, hereCount }: PresenceFrame): void {
    const now = this.#time.now()
    const [first] = left
    if (first === undefined) return
    if (now <= this.nobodyLeavesUntil)
      this.fail('S21', `${audit.name} in ${space} is told that ${first} left, and nobody did`)
    if (!this.isQuiet) return
    this.#met('a blink was looked for')
    for (const being of left) {
      if (this.ledger.isHeld(space, being, KNOWN_AFTER_MS + this.#windowMs(hereCount)))
        this.fail('S21', `${audit.name} in ${space} is told that ${being} left, who was never away for long`)
      const wreck = this.ledger.wreckOf(space, being)
      if (wreck !== undefined) this.#wreckTold(audit, space, being, wreck, now)
    }
  }

  answered(audit: RosterAudit, space: SpaceId, { list, count }: RosterAccount): void {
    if (!this.isQuiet) return
    const now = this.#time.now()
    for (const being of this.ledger.beings(space)) {
      const gone = this.ledger.goneSince(space, being)
      if (list.has(being)) {
        if (gone !== undefined && now > gone + this.#gonePatienceMs(space, being, count))
          this.fail('S22', `${audit.name} in ${space} is answered with ${being}, who went ${now - gone} ms ago`)
      } else if (
        count <= this.tuning.listLimit &&
        this.ledger.isHeld(space, being, KNOWN_AFTER_MS + 3 * this.#windowMs(count))
      )
        this.fail('S21', `${audit.name} in ${space} is answered without ${being}, who was never away for long`)
    }
  }

  #windowMs(count: number): number {
    return windowFor(count, this.tuning)
  }

  /** Whether everything that happened lately to Redis and to the ways there has been got over. */
  get isQuiet(): boolean {
    return this.ledger.isUndisturbedSince(this.#time.now() - 2 * this.tuning.leaseMs - SLACK_MS)
  }

  /** Within this after its last connection went a being is gone from every list. */
  #gonePatienceMs(space: SpaceId, being: BeingId, count: number): number {
    const { leaseMs } = this.tuning
    const longest = this.ledger.longestGraceMs(space, being)
    return longest + leaseMs + this.#windowMs(count) + SLACK_MS
  }

  #lost(space: SpaceId, being: BeingId): void {
    const goneAt = this.#time.now()
    const patience = this.#gonePatienceMs(space, being, this.ledger.beings(space).length)
    this.#time.after(patience, () => {
      if (this.ledger.goneSince(space, being) !== goneAt || !this.ledger.isUndisturbedSince(goneAt - patience)) return
      this.#met('a departure was looked for')
      for (const audit of this.audits) {
        const told = audit.told(space)
        if (!audit.isOpen()) this.audits.delete(audit)
        else if (told?.status === 'exact' && told.list.has(being))
          this.fail('S22', `${audit.name} in ${space} still lists ${being}, who went ${patience} ms ago`)
      }
    })
  }

  /** All who were here through one crashed gateway leave together. */
  #wreckTold(audit: RosterAudit, space: SpaceId, being: BeingId, wreck: ProcessFacts, now: number): void {
    const key = `${audit.name} ${space} ${wreck.name}`
    const toldAt = this.#wrecksTold.get(key) ?? now
    this.#wrecksTold.set(key, toldAt)
    if (toldAt !== now)
      this.fail(
        'S22',
        `${audit.name} in ${space} is told that ${being} left after others of ${wreck.name}, which crashed`,
      )
  }
}
