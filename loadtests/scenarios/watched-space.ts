/**
 * What one client of the load test has on its screen of one space, and what is wrong with what it was sent. Pure: a
 * frame in, the new state and the findings out. The rule is the client's of the protocol: a run of changes is applied
 * if it is of the same epoch and begins where the client stands. Anything else is a finding here, since one
 * connection is owed each version once and in order.
 */
import type { Frame, SeenChange } from './wire.ts'

export interface WatchedSpace {
  readonly epoch: string
  readonly version: number
}

export interface Observation {
  /** What the client holds now; unchanged by what it could not apply. */
  held: WatchedSpace
  /** Applied just now, in order. */
  fresh: SeenChange[]
  /** Versions sent again to one who has them. */
  duplicates: number
  /** Runs that do not begin where the client stands, or are not one version after the other. */
  disorders: number
  /** Versions that a snapshot stood in for: on the screen, but not as changes. */
  bySnapshot: number
  /** The client has to subscribe again from where it stands. */
  resume: boolean
}

export type Told = Extract<Frame, { type: 'snapshot' | 'run' }>

/** Applies a frame to what a client holds; `undefined` before its first snapshot. */
export function observe(held: WatchedSpace | undefined, frame: Told): Observation | undefined {
  if (frame.type === 'snapshot') return onSnapshot(held, frame)
  if (held === undefined) return undefined
  const nothing: Observation = { held, fresh: [], duplicates: 0, disorders: 0, bySnapshot: 0, resume: false }
  const { epoch, from, to, changes } = frame
  if (epoch !== held.epoch || from > held.version || !isContiguous(from, to, changes)) {
    return { ...nothing, disorders: 1, resume: true }
  }
  const known = Math.min(to, held.version) - from
  const fresh = changes.slice(known)
  return { ...nothing, held: { epoch, version: Math.max(held.version, to) }, fresh, duplicates: known }
}

function onSnapshot(held: WatchedSpace | undefined, { epoch, version }: WatchedSpace): Observation {
  const sameHistory = held !== undefined && held.epoch === epoch
  const backwards = sameHistory && version < held.version
  return {
    held: backwards ? held : { epoch, version },
    fresh: [],
    duplicates: 0,
    disorders: backwards ? 1 : 0,
    bySnapshot: sameHistory ? Math.max(0, version - held.version) : 0,
    resume: backwards,
  }
}

const isContiguous = (from: number, to: number, changes: readonly SeenChange[]): boolean =>
  changes.length === to - from && changes.every((change, i) => change.version === from + 1 + i)

/**
 * A short name of a mutation, so that a client can keep what it saw of a long run: the last 48 bits of the uuid,
 * which are random.
 */
export const shortName = (mutation: string): number => Number.parseInt(mutation.slice(-12), 16)

/** What a client saw of a space: from its first version on, the short name of the mutation behind each. */
export interface Seen {
  start: number
  names: (number | undefined)[]
}

/** What one client is told of one space, kept to be compared with the log. The oracle of every kind of client. */
export class ToldSpace {
  /** Where the space stood before anyone wrote: what comes after is owed to this client. */
  readonly #begins: WatchedSpace
  #held: WatchedSpace | undefined
  #seen: Seen | undefined
  #bySnapshot = 0

  constructor(begins: WatchedSpace) {
    this.#begins = begins
  }

  get held(): WatchedSpace | undefined {
    return this.#held
  }

  /** Versions after the beginning that a snapshot stood in for. */
  get bySnapshot(): number {
    return this.#bySnapshot
  }

  /** Applies a frame; undefined where there was nothing yet to apply it to. */
  tell(frame: Told): Observation | undefined {
    const observation = observe(this.#held, frame)
    if (observation === undefined) return undefined
    if (this.#held === undefined) this.#bySnapshot = observation.held.version - this.#begins.version
    this.#held = observation.held
    this.#seen ??= { start: this.#begins.version, names: [] }
    note(this.#seen, observation.fresh)
    this.#bySnapshot += observation.bySnapshot
    return observation
  }

  /** How many of the log's versions never came; `log` has the names of those after the beginning. */
  lost(log: readonly number[]): number {
    if (this.#seen === undefined) return log.length
    return countLost(this.#seen, this.#begins.version, log, this.#bySnapshot)
  }
}

/** Notes what was applied just now. */
export function note(seen: Seen, fresh: readonly SeenChange[]): void {
  for (const change of fresh) seen.names[change.version - seen.start - 1] = shortName(change.mutation)
}

/**
 * How many versions of the log the client never got, or got with another content. `log` has the short names of the
 * versions after `logStart`; what a snapshot stood in for does not count.
 */
export function countLost(seen: Seen, logStart: number, log: readonly number[], bySnapshot: number): number {
  let lost = 0
  for (const [i, name] of log.entries()) {
    const index = logStart + i - seen.start
    if (index >= 0 && seen.names[index] !== name) lost += 1
  }
  return Math.max(0, lost - bySnapshot)
}
