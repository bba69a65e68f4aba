/**
 * Who truly was here, and when: kept from what the clients of the harness did and heard themselves, never from what the
 * system says. It answers one question: was a being away, over all its connections, at about that time and for so long?
 *
 *   stay 1  ├───────────┤                 one connection, present in one space, from its answer to its end
 *   stay 2        ├────· · · ·├─────┤     nothing was heard for a while: it may have been cut off
 *   away                └───┘             what no stay covers
 *
 * Times are those of `performance.now()`.
 */
import { type Span, wasAway } from '@rhizom/kit/presence-verdict.ts'
import { timeOfDay } from './time-of-day.ts'

/** Longer between two frames than this, with a heartbeat each second, and the connection may have been lost. */
const SILENCE_MS = 1_300

/** The signs of life of one connection. */
export class Pulse {
  readonly silences: Span[] = []
  #heardAt: number
  #endedAt: number | undefined

  constructor(at: number) {
    this.#heardAt = at
  }

  heard(at: number): void {
    if (at - this.#heardAt > SILENCE_MS) this.silences.push({ from: this.#heardAt, to: at })
    this.#heardAt = at
  }

  end(at: number): void {
    this.#endedAt ??= at
  }

  /** Until when it surely stood; without an end if it stands now. */
  stoodUntil(now: number): number {
    const isSilent = (this.#endedAt ?? now) - this.#heardAt > SILENCE_MS
    return isSilent ? this.#heardAt : (this.#endedAt ?? Number.POSITIVE_INFINITY)
  }
}

export interface Stay {
  readonly space: string
  readonly being: string
  /** Which gateway it goes through, as clients count them. */
  readonly gateway: number
  readonly pulse: Pulse
  readonly from: number
  /** When it was ended on purpose. */
  to: number | undefined
}

export class Attendance {
  #stays: Stay[] = []
  #cutOff: (Span & { gateway: number })[] = []

  enter(stay: Omit<Stay, 'to'>): Stay {
    const entered = { ...stay, to: undefined }
    this.#stays.push(entered)
    return entered
  }

  /** What goes through this gateway counts for nothing meanwhile: nobody else could tell it from a dead one. */
  cutOff(gateway: number, from: number, to: number): void {
    this.#cutOff.push({ gateway, from, to })
  }

  /** Whether a being was away for at least so long, in a time that touches this span, or begins in it. */
  wasAway(space: string, being: string, span: Span & { begins?: true }, atLeastMs: number, now: number): boolean {
    const stays = this.#stays.filter((stay) => stay.space === space && stay.being === being)
    return wasAway(
      stays.flatMap((stay) => this.#covered(stay, now)),
      span,
      atLeastMs,
    )
  }

  /** The last stays of a being, for whoever has to find out what happened. */
  describe(space: string, being: string, now: number): string {
    return this.#stays
      .filter((stay) => stay.space === space && stay.being === being)
      .slice(-4)
      .map(
        (stay) =>
          `gateway ${stay.gateway + 1} ${timeOfDay(stay.from)} to ${timeOfDay(Math.min(now, endOf(stay, now)))}`,
      )
      .join(', ')
  }

  /** Lets go of what ended before. */
  forget(before: number, now: number): void {
    this.#stays = this.#stays.filter(({ to, pulse }) => endOf({ to, pulse }, now) >= before)
    this.#cutOff = this.#cutOff.filter(({ to }) => to >= before)
  }

  #covered(stay: Stay, now: number): Span[] {
    const whole = { from: stay.from, to: endOf(stay, now) }
    const holes = [...stay.pulse.silences, ...this.#cutOff.filter(({ gateway }) => gateway === stay.gateway)]
    return holes.reduce(
      (spans, hole) => spans.flatMap((span) => without(span, hole)),
      whole.to > whole.from ? [whole] : [],
    )
  }
}

const endOf = ({ to, pulse }: Pick<Stay, 'to' | 'pulse'>, now: number): number =>
  Math.min(to ?? Number.POSITIVE_INFINITY, pulse.stoodUntil(now))

const without = (span: Span, hole: Span): Span[] =>
  [
    { from: span.from, to: Math.min(span.to, hole.from) },
    { from: Math.max(span.from, hole.to), to: span.to },
  ].filter(({ from, to }) => to > from)
