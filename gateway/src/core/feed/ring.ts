/**
 * The last changes of a space, kept as the runs they came in and bounded by count and by bytes. It answers resumes
 * without asking the api. A ring is contiguous and ends at the feed's position; the feed keeps both true.
 */
import type { SpaceId } from '@rhizom/protocol'
import { type Run, trimRun } from './run.ts'

export interface Ring {
  readonly runs: readonly Run[]
  readonly changes: number
  readonly bytes: number
}

export interface RingLimits {
  maxChanges: number
  maxBytes: number
}

export const emptyRing: Ring = { runs: [], changes: 0, bytes: 0 }

/** Appends a run that follows the last one and drops the oldest ones over the bounds. */
export function append(ring: Ring, run: Run, limits: RingLimits): Ring {
  let changes = ring.changes + run.to - run.from
  let bytes = ring.bytes + run.frame.length
  let drop = 0
  const count = ring.runs.length
  while (drop <= count && (changes > limits.maxChanges || bytes > limits.maxBytes)) {
    const oldest = drop < count ? ring.runs[drop] : run
    if (oldest === undefined) break
    changes -= oldest.to - oldest.from
    bytes -= oldest.frame.length
    drop++
  }
  if (drop > count) return emptyRing
  const runs = ring.runs.slice(drop)
  runs.push(run)
  return { runs, changes, bytes }
}

/** The first version before which the ring knows nothing. */
export const oldestVersion = (ring: Ring, head: number): number => ring.runs[0]?.from ?? head

/**
 * Exactly the changes after a version, up to `head`, or nothing where the ring does not reach back that far. Only a
 * run that straddles the version is parsed.
 */
export function runsAfter(ring: Ring, space: SpaceId, after: number, head: number): readonly Run[] | undefined {
  if (after === head) return []
  if (after > head || after < oldestVersion(ring, head)) return undefined
  let low = 0
  let high = ring.runs.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((ring.runs[middle]?.from ?? 0) <= after) low = middle
    else high = middle - 1
  }
  const first = ring.runs[low]
  const trimmed = first === undefined ? undefined : trimRun(space, first, after)
  return trimmed === undefined ? undefined : [trimmed, ...ring.runs.slice(low + 1)]
}
