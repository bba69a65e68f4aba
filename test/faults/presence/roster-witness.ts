/**
 * The departures that one client was told of in one space, each with the absences that would explain it, which
 * presence-judge.ts holds against who truly was away. How a client reads what it is told is the kit's (RosterAccount).
 */
import {
  type Gone,
  type PresenceFrame,
  RosterAccount,
  type RosterAnswer,
  type RosterReading,
} from '@rhizom/kit/roster-account.ts'
import type { Span } from '@rhizom/kit/presence-verdict.ts'
import type { Here } from '@rhizom/protocol'
import { timeOfDay } from './time-of-day.ts'

export interface Departure {
  being: string
  how: Gone['how']
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
  readonly roster = new RosterAccount()
  /** What no gateway may send, whatever fails. */
  readonly malformed: string[] = []
  readonly departures: Departure[] = []
  readonly leaveFrames: LeaveFrame[] = []
  answeredAt = 0
  /** Absences that ended earlier were over when it was told that somebody is here. */
  readonly #toldHere = new Map<string, number>()
  /** Since when it may not know of an absence. */
  #unsureSince: number | undefined
  #unsureBefore: number | undefined
  /** No frame since it was frozen. */
  #isAfterFreeze = false

  constructor(space: string) {
    this.space = space
  }

  answered(answer: RosterAnswer, at: number): void {
    const reading = this.roster.answered(answer)
    for (const being of reading.came) this.#toldHere.set(being, at - HEARD_WITHIN_MS)
    this.#note(reading, at)
    this.answeredAt = at
    this.#unsureBefore = this.#unsureSince
    this.#unsureSince = undefined
  }

  changed(frame: PresenceFrame, at: number): void {
    const { status } = this.roster
    const reading = this.roster.changed(frame)
    this.#note(reading, at)
    if (status === 'unknown') return
    for (const being of reading.came) this.#toldHere.set(being, at)
    if (frame.left.length > 0) this.leaveFrames.push({ at, left: frame.left })
    if (frame.frozen) this.#froze(at, status === 'exact' && at - this.answeredAt < SAME_BREATH_MS)
    else {
      this.#isAfterFreeze = false
      this.#unsureSince = undefined
    }
  }

  /** The connection is gone: what it knows is what it was told last. */
  lost(at: number): void {
    this.#unsureSince ??= at
    this.roster.lost()
  }

  /** Lets go of what was judged. */
  forget(): void {
    this.malformed.length = 0
    this.departures.length = 0
    this.leaveFrames.length = 0
  }

  #note({ wrong, gone }: RosterReading, at: number): void {
    for (const what of wrong) this.malformed.push(`${this.space} at ${timeOfDay(at)}: ${what}`)
    for (const { one, how } of gone)
      if (how === 'later') this.#cameLater(one, at)
      else this.#departed(one, how, at)
  }

  /**
   * A later time than was told before is an absence between the two that nobody told of, however late the first is
   * told. Whoever changed gateways while Redis was away could not be known by the next one, so nothing is said of times
   * that are told after a freeze.
   */
  #cameLater({ being, since }: Here, at: number): void {
    if (this.#isAfterFreeze) return
    const explainedBy = [{ from: onOurClock(since), to: at, begins: true as const }]
    this.departures.push({ being, how: 'later', at, explainedBy })
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

  /** An answer that is not exact calls nobody away: it is what was known. The word that it is not comes with it. */
  #froze(at: number, isWordOfAnswer: boolean): void {
    if (isWordOfAnswer) this.#unsureSince = this.#unsureBefore
    const meant = this.departures.filter((one) => !isWordOfAnswer || one.at !== this.answeredAt)
    this.departures.splice(0, this.departures.length, ...meant)
    this.#unsureSince ??= at
    this.#isAfterFreeze = true
  }
}

/** A time that a gateway tells, in milliseconds of `performance.now()`. */
function onOurClock(timeMs: number): number {
  return timeMs - performance.timeOrigin
}
