/**
 * What a connection subscribed to, and what becomes of each. There are thousands of connections that watch one space or
 * a few: an array is short to look through, and what holds nothing is the same object for all.
 */
import type { SpaceId } from '@rhizom/protocol'
import type { HeldFrames, Watching } from './state.ts'

export const NOTHING_HELD: HeldFrames = new Map()
export const WATCHING_NOTHING: Watching = { following: [], waiting: new Map() }

export const isWatching = ({ following, waiting }: Watching, space: SpaceId): boolean =>
  waiting.has(space) || following.includes(space)

export const watchedSpaces = ({ following, waiting }: Watching): SpaceId[] => [...following, ...waiting.keys()]

/** Subscribed to, maybe anew, and not answered yet. */
export const awaiting = <State extends Watching>(state: State, space: SpaceId, held: HeldFrames): State => ({
  ...state,
  following: withoutSpace(state.following, space),
  waiting: new Map(state.waiting).set(space, held),
})

/** Answered: followed from here on. */
export const followed = <State extends Watching>(state: State, space: SpaceId): State => ({
  ...state,
  // As long as it has to be: what is spread has room for more.
  following: state.following.concat(space),
  waiting: withoutKey(state.waiting, space),
})

export const letGo = <State extends Watching>(state: State, space: SpaceId): State => ({
  ...state,
  following: withoutSpace(state.following, space),
  waiting: withoutKey(state.waiting, space),
})

const withoutSpace = (spaces: readonly SpaceId[], space: SpaceId): readonly SpaceId[] => {
  if (!spaces.includes(space)) return spaces
  return spaces.length === 1 ? WATCHING_NOTHING.following : spaces.filter((one) => one !== space)
}

function withoutKey(waiting: Watching['waiting'], space: SpaceId): Watching['waiting'] {
  if (!waiting.has(space)) return waiting
  if (waiting.size === 1) return WATCHING_NOTHING.waiting
  const rest = new Map(waiting)
  rest.delete(space)
  return rest
}
