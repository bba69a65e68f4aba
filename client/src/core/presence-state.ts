/**
 * Who is here in one space, as the gateway tells it: an answer to `subscribe` replaces everything, frames in between
 * alter it. `hereCount` is the server's word; the list may be a sample of it. Without a connection the last roster
 * stays and is marked stale: nobody blinks because a socket was replaced.
 *
 * Part of a space's entry in the one store; `space.ts` decides when which of these functions applies.
 */
import { type BeingId, type Here, LIMITS, type ServerFrame } from '@rhizom/protocol'

export interface PresenceState {
  /** The longest here first. A sample where `hereCount` is larger. */
  here: readonly Here[]
  hereCount: number
  /** The server itself cannot know at the moment; this is what it knew last. */
  frozen: boolean
  /** Since when nothing is heard, in milliseconds since 1970; undefined while the roster is kept up to date. */
  staleSinceMs: number | undefined
  /** When those who left under our eyes were last known to be here, by this device's clock. */
  lastSeen: Readonly<Record<BeingId, number>>
}

/** What an answer to `subscribe` says of who is here. */
export interface Roster {
  here: readonly Here[]
  hereCount: number
}

export type PresenceFrame = Omit<Extract<ServerFrame, { type: 'presence' }>, 'type' | 'space'>

/** Enough for every being a space lists; the oldest notes go first. */
const MAX_LAST_SEEN = LIMITS.snapshotBeings

const inOrder = (here: readonly Here[]): Here[] =>
  here.toSorted((a, b) => a.since - b.since || (a.being < b.being ? -1 : 1))

const isSame = (one: Here, other: Here): boolean =>
  one === other || (one.since === other.since && JSON.stringify(one.state) === JSON.stringify(other.state))

/** The entry told, unless it says nothing new: then the one held, so that nobody takes it for a change. */
const unlessSame = (held: Here | undefined, told: Here): Here =>
  held !== undefined && isSame(held, told) ? held : told

const isSameList = (one: readonly Here[], other: readonly Here[]): boolean =>
  one.length === other.length && one.every((entry, index) => entry === other[index])

/** Whether the list is only a part of those who are here. */
export const isSample = ({ here, hereCount }: Roster): boolean => hereCount > here.length

function noteLastSeen(
  lastSeen: Readonly<Record<BeingId, number>>,
  left: readonly BeingId[],
  seenAtMs: number,
): Readonly<Record<BeingId, number>> {
  if (left.length === 0) return lastSeen
  // Noted anew means last in order, so that those cut off are the ones who left longest ago.
  const others = Object.entries(lastSeen).filter(([being]) => !left.includes(being))
  const noted = [...others, ...left.map((being) => [being, seenAtMs] as const)]
  return Object.fromEntries(noted.slice(-MAX_LAST_SEEN))
}

/** The roster after an answer, which is the whole truth whatever was held before. */
export function takeRoster(before: PresenceState | undefined, roster: Roster, dateMs: number): PresenceState {
  const listed = new Set(roster.here.map(({ being }) => being))
  // Who is missing in a sample may still be here.
  const left =
    before === undefined || isSample(roster)
      ? []
      : before.here.map(({ being }) => being).filter((being) => !listed.has(being))
  const held = new Map(before?.here.map((entry) => [entry.being, entry]))
  const here = inOrder(roster.here.map((entry) => unlessSame(held.get(entry.being), entry)))
  return {
    here: before !== undefined && isSameList(here, before.here) ? before.here : here,
    hereCount: roster.hereCount,
    frozen: false,
    staleSinceMs: undefined,
    lastSeen: noteLastSeen(before?.lastSeen ?? {}, left, before?.staleSinceMs ?? dateMs),
  }
}

/**
 * The roster after a frame. Joins and updates carry the whole entry and a leave names a being, so a frame that comes
 * twice does nothing, and neither does one that names somebody who came with the answer: it is the same for all who
 * watch. An update of somebody who is not listed adds nobody: it may be late, and a ghost is worse than a name missing
 * until the next answer.
 */
export function applyPresence(before: PresenceState, frame: PresenceFrame, dateMs: number): PresenceState {
  const held = new Map(before.here.map((entry) => [entry.being, entry]))
  const entries = new Map(held)
  const left = frame.left.filter((being) => entries.delete(being))
  for (const entry of frame.joined) entries.set(entry.being, unlessSame(held.get(entry.being), entry))
  for (const entry of frame.updated)
    if (entries.has(entry.being)) entries.set(entry.being, unlessSame(held.get(entry.being), entry))
  const gone = left.filter((being) => !entries.has(being))
  const here = inOrder([...entries.values()])
  const { hereCount, frozen } = frame
  const isSameHere = isSameList(here, before.here)
  if (isSameHere && gone.length === 0 && hereCount === before.hereCount && frozen === before.frozen) return before
  return {
    here: isSameHere ? before.here : here,
    hereCount,
    frozen,
    staleSinceMs: before.staleSinceMs,
    lastSeen: noteLastSeen(before.lastSeen, gone, dateMs),
  }
}

/** The roster while nothing is heard: kept as it is, and marked. */
export const markStale = (before: PresenceState | undefined, dateMs: number): PresenceState | undefined =>
  before === undefined || before.staleSinceMs !== undefined ? before : { ...before, staleSinceMs: dateMs }
