/**
 * Time as a port, with two clocks, because a machine asks two questions:
 *
 *   nowMs    how long has it been?      never goes back; its zero means nothing; for whatever waits
 *   dateMs   what is the date?          milliseconds since 1970; a person or a time server may set it to and fro;
 *                                       for what is shown, stored, or compared with a token
 *
 * A deadline on the date is due an hour late when the date is set back an hour; one on `nowMs` is not.
 */
export type Cancel = () => void

export interface Clock {
  nowMs(): number
  dateMs(): number
  /** Calls once, not before `delayMs` have passed. */
  after(delayMs: number, callback: () => void): Cancel
}

/** Chance as a port: a number in [0, 1). */
export type Random = () => number

/** The moment at which a step happens: time and chance are arguments of every machine. */
export interface Moment {
  readonly nowMs: number
  readonly dateMs: number
  /** In [0, 1), the same throughout a step. Drawn when it is first asked for. */
  readonly random: number
}

export function momentOf(clock: Pick<Clock, 'nowMs' | 'dateMs'>, random: Random): Moment {
  let drawn: number | undefined
  return {
    nowMs: clock.nowMs(),
    dateMs: clock.dateMs(),
    get random() {
      drawn ??= random()
      return drawn
    },
  }
}
