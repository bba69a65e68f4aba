/**
 * Who is in one space as one client was told, by the rules of the contract: an answer to `subscribe` is the list, the
 * `presence` frames after it alter it. It writes down what no gateway may send (frames that do not follow from the
 * list) and every departure it was told of, which presence-judge.ts holds against who truly was away.
 */
import { type Here, LIMITS, type ServerFrame } from '@rhizom/protocol'
import type { Span } from './attendance.ts'
import { timeOfDay } from './time-of-day.ts'

export type PresenceFrame = Extract<ServerFrame, { type: 'presence' }>
export type RosterAnswer = Pick<Extract<ServerFrame, { type: 'snapshot' }>, 'here' | 'hereCount'>

/**
 * `left`: named in a frame · `unlisted`: missing in a later answer · `later`: here since later than was told before.
 */
export interface Departure {
  being: string
  how: 'left' | 'unlisted' | 'later'
  at: number
  /** When the absence that explains it may have been: in any of these. */
  explainedBy: readonly Absence[]
}

export interface Absence extends Span {
  /** It began in this span, and does not merely touch it. */
  begins?: true
}

export interface LeaveFrame {
  at: number
  left: readonly string[]
}

/** An absence may be told of this late: a gateway needs a while to find out that it was cut off. */
const TOLD_WITHIN_MS = 5_000
/** An answer may list somebody for an entry of before that goes late, who is back by another not heard of yet. */
const HEARD_WITHIN_MS = 2_500
/** The word that an answer is not exact comes with it. */
const SAME_BREATH_MS = 50

export class RosterWitness {
  readonly space: string
  readonly list = new Map<string, Here>()
  /** `unknown` without an answer on the present connection. */
  status: 'unknown' | 'exact' | 'frozen' = 'unknown'
  /** What no gateway may send, whatever fails. */
  readonly malformed: string[] = []
  readonly departures: Departure[] = []
  readonly leaveFrames: LeaveFrame[] = []
  answeredAt = 0
  /** Named in the answer, and perhaps once more in the frame that tells the others. */
  #named = new Set<string>()
  /** Absences that ended earlier were over when it was told that somebody is here. */
  readonly #toldHere = new Map<string, number>()
  /** Since when it may not know of an absence. */
  #unsureSince: number | undefined
  #unsureBefore: number | undefined
  /** No frame or answer since it was frozen. */
  #isAfterFreeze = false

  constructor(space: string) {
    this.space = space
  }

  answered({ here, hereCount }: RosterAnswer, at: number): void {
    const before = new Map(this.list)
    this.list.clear()
    for (const one of here) {
      if (this.list.has(one.being)) this.#refuse(at, `an answer lists ${one.being} twice`)
      this.list.set(one.being, one)
      if (!before.has(one.being)) this.#toldHere.set(one.being, at - HEARD_WITHIN_MS)
      this.#compareSince(before.get(one.being), one, at)
    }
    for (const one of before.values()) if (!this.list.has(one.being)) this.#departed(one, 'unlisted', at)
    this.#named = new Set(this.list.keys())
    this.#counted(hereCount, at, 'an answer')
    this.answeredAt = at
    this.status = 'exact'
    this.#unsureBefore = this.#unsureSince
    this.#unsureSince = undefined
  }

  changed(frame: PresenceFrame, at: number): void {
    if (this.status === 'unknown') return this.#refuse(at, 'a presence frame before the answer')
    const { joined, left, updated, frozen } = frame
    if (frozen && joined.length + left.length + updated.length > 0)
      this.#refuse(at, `a frozen frame alters the list: ${JSON.stringify(frame)}`)
    for (const being of left) this.#left(being, at)
    for (const one of joined) this.#joined(one, at)
    for (const one of updated) this.#updated(one, at)
    if (left.length > 0) this.leaveFrames.push({ at, left })
    this.#counted(frame.hereCount, at, `a${frozen ? ' frozen' : ''} frame`)
    if (frozen) this.#froze(at)
    else {
      this.#named.clear()
      this.#isAfterFreeze = false
      this.status = 'exact'
      this.#unsureSince = undefined
    }
  }

  /** The connection is gone: what it knows is what it was told last. */
  lost(at: number): void {
    this.#unsureSince ??= at
    this.status = 'unknown'
  }

  /** Lets go of what was judged. */
  forget(): void {
    this.malformed.length = 0
    this.departures.length = 0
    this.leaveFrames.length = 0
  }

  #joined(one: Here, at: number): void {
    if (this.list.has(one.being) && !this.#named.has(one.being))
      this.#refuse(at, `${one.being} joined and was there already`)
    this.#compareSince(this.list.get(one.being), one, at)
    this.#named.delete(one.being)
    this.#toldHere.set(one.being, at)
    this.list.set(one.being, one)
  }

  /**
   * Who came and went while the roster was frozen was named to newcomers alone, and leaves for them in everybody's
   * frame.
   */
  #left(being: string, at: number): void {
    const one = this.list.get(being)
    if (one === undefined) return
    this.list.delete(being)
    this.#departed(one, 'left', at)
  }

  #updated(one: Here, at: number): void {
    const before = this.list.get(one.being)
    if (before === undefined) return this.#refuse(at, `${one.being} was updated and is not there`)
    this.#compareSince(before, one, at)
    this.list.set(one.being, one)
  }

  /**
   * Who stays has come once: a later time is an absence between the two that nobody told of, however late the first is
   * told. Whoever changed gateways while Redis was away could not be known by the next one, so nothing is said of times
   * that are told after a freeze.
   */
  #compareSince(before: Here | undefined, now: Here, at: number): void {
    if (before === undefined || now.since <= before.since || this.#isAfterFreeze) return
    const explainedBy = [{ from: onOurClock(before.since), to: at, begins: true as const }]
    this.departures.push({ being: now.being, how: 'later', at, explainedBy })
  }

  /**
   * Whoever read nothing for a while reads at once that somebody came and went: an absence that began after the time
   * of coming explains it, although it was over when it was read that somebody is here.
   */
  #departed({ being, since }: Here, how: 'left' | 'unlisted', at: number): void {
    const unsure = Math.min(at, this.#unsureSince ?? at) - TOLD_WITHIN_MS
    const touching = { from: Math.max(unsure, this.#toldHere.get(being) ?? unsure), to: at }
    const after = { from: Math.max(unsure, onOurClock(since)), to: at, begins: true as const }
    this.departures.push({ being, how, at, explainedBy: [touching, after] })
  }

  #froze(at: number): void {
    const isWordOfAnswer = this.status === 'exact' && at - this.answeredAt < SAME_BREATH_MS
    if (isWordOfAnswer) this.#unsureSince = this.#unsureBefore
    // An answer that is not exact calls nobody away: it is what was known.
    const meant = this.departures.filter((one) => !isWordOfAnswer || one.at !== this.answeredAt)
    this.departures.splice(0, this.departures.length, ...meant)
    this.#unsureSince ??= at
    this.#isAfterFreeze = true
    this.status = 'frozen'
  }

  #counted(hereCount: number, at: number, what: string): void {
    const isWhole = hereCount <= LIMITS.maxHereListed
    if (isWhole ? hereCount !== this.list.size : hereCount < this.list.size)
      this.#refuse(at, `${what} counts ${hereCount}, the list holds ${this.list.size}`)
  }

  #refuse(at: number, what: string): void {
    this.malformed.push(`${this.space} at ${timeOfDay(at)}: ${what}`)
  }
}

/** A time that a gateway tells, in milliseconds of `performance.now()`. */
function onOurClock(timeMs: number): number {
  return timeMs - performance.timeOrigin
}
