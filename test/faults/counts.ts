/** What clients and writers went through: how often they came back, resumed, waited in vain. Told beside each fault. */
import type { Watcher } from './watcher.ts'
import type { Writer } from './writer.ts'

/** What clients and writers went through since they arrived. */
export interface Counts {
  connects: number
  silences: number
  /** Runs that began past what a client held. */
  gaps: number
  headsAhead: number
  unanswered: number
  snapshots: number
  resumes: number
  unknownOutcomes: number
  refusals: number
}

const COUNTED = [
  'connects',
  'silences',
  'gaps',
  'headsAhead',
  'unanswered',
  'snapshots',
  'resumes',
  'unknownOutcomes',
  'refusals',
] as const satisfies (keyof Counts)[]

export function difference(now: Counts, before: Counts): Counts {
  const counts = { ...now }
  for (const name of COUNTED) counts[name] -= before[name]
  return counts
}

export function countsOf(watchers: readonly Watcher[], writers: readonly Writer[]): Counts {
  const witnesses = watchers.flatMap((watcher) => [...watcher.witnesses.values()])
  return {
    connects: sum(watchers, ({ reconnecting }) => reconnecting.connects),
    silences: sum(watchers, ({ reconnecting }) => reconnecting.silences),
    gaps: sum(witnesses, ({ gaps }) => gaps),
    headsAhead: sum(watchers, ({ headsAhead }) => headsAhead),
    unanswered: sum(watchers, ({ unanswered }) => unanswered),
    snapshots: sum(witnesses, ({ snapshots }) => snapshots),
    resumes: sum(witnesses, ({ resumes }) => resumes),
    unknownOutcomes: sum(writers, ({ unknownOutcomes }) => unknownOutcomes),
    refusals: sum(writers, ({ refusals }) => refusals),
  }
}

const sum = <T>(items: readonly T[], count: (item: T) => number): number =>
  items.reduce((all, item) => all + count(item), 0)
