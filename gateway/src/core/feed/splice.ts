/**
 * Splicing: what of a heap of runs (messages that came too early, a read of the log, the message just received)
 * continues a held position, in order and each version once, and what has to wait for something missing.
 */
import { type Position, place, type SpaceId } from '@rhizom/protocol'
import { contradicts } from './contradicts.ts'
import { type Run, trimRun } from './run.ts'

export interface Spliced {
  /** Follows the held position without a gap and without an overlap. */
  tail: readonly Run[]
  /** Waits: beyond a gap, or of another epoch. Ordered by where it starts. */
  ahead: readonly Run[]
}

const byStart = (a: Run, b: Run): number => a.from - b.from || b.to - a.to

/** Orders the runs behind `held`. What is already held is left out; what cannot be read counts as missing. */
export function splice(space: SpaceId, held: Position, runs: readonly Run[]): Spliced {
  const tail: Run[] = []
  const ahead: Run[] = []
  let position = held
  for (const run of runs.toSorted(byStart)) {
    const placement = place(position, run)
    switch (placement) {
      case 'old':
        break
      case 'follows':
      case 'overlaps': {
        const next = trimRun(space, run, position.version)
        if (next === undefined) break
        tail.push(next)
        position = { epoch: next.epoch, version: next.to }
        break
      }
      case 'gap':
      case 'other-epoch':
        ahead.push(run)
        break
      default:
        placement satisfies never
    }
  }
  return { tail, ahead }
}

/** A run that waits, and the last read (state.ts) begun before it came. */
export interface ParkedRun {
  run: Run
  readSeq: number
}

/** Runs that wait, bounded by number and bytes. */
export interface Parked {
  readonly runs: readonly ParkedRun[]
  readonly bytes: number
}

export interface ParkedLimits {
  maxRuns: number
  maxBytes: number
}

export const nothingParked: Parked = { runs: [], bytes: 0 }

/**
 * Parks a run once. Over a bound everything parked is let go: the log has it all, and one read brings it. So it is
 * where two that wait contradict each other.
 */
export function park(
  parked: Parked,
  entry: ParkedRun,
  limits: ParkedLimits,
): { parked: Parked; outcome: 'parked' | 'duplicate' | 'overflowed' } {
  const { run } = entry
  const isTwin = (other: Run): boolean => other.epoch === run.epoch && other.from === run.from && other.to === run.to
  const waiting = parked.runs.map((other) => other.run)
  if (contradicts(waiting, run)) return { parked: nothingParked, outcome: 'overflowed' }
  if (waiting.some(isTwin)) return { parked, outcome: 'duplicate' }
  const bytes = parked.bytes + run.frame.length
  if (parked.runs.length + 1 > limits.maxRuns || bytes > limits.maxBytes)
    return { parked: nothingParked, outcome: 'overflowed' }
  return { parked: { runs: [...parked.runs, entry], bytes }, outcome: 'parked' }
}

/** What stays parked. The same object if everything does. */
export function keepParked(parked: Parked, keep: (entry: ParkedRun) => boolean): Parked {
  const runs = parked.runs.filter(keep)
  if (runs.length === parked.runs.length) return parked
  return { runs, bytes: runs.reduce((sum, { run }) => sum + run.frame.length, 0) }
}
