/**
 * The part of a deployment that one batch of mutations is decided on, in memory: the api fills it under its locks,
 * decide.ts reads it, world-op.ts moves it forward, the api writes back what differs.
 *
 * Entities are values: a change replaces the entry and never alters it, so comparing two worlds entry by entry by
 * identity finds every row to write.
 */
import type {
  Being,
  BeingId,
  Intention,
  IntentionId,
  InviteId,
  MutationId,
  Rejection,
  Role,
  Space,
  SpaceId,
} from '@rhizom/protocol'
import type { KeptOfIntention } from './kept.ts'
import type { OpenInvite } from './open-invite.ts'
import { OPERATOR } from './operator.ts'
import { PairMap } from './pair-map.ts'
import type { WorldReader } from './world-reader.ts'

/** `position` is the version that created it: its place in the conversation, kept by the database only. */
export type PlacedIntention = Intention & KeptOfIntention & { position: number }

export const keptOf = (placed: PlacedIntention | undefined): KeptOfIntention => ({
  ...(placed?.chain === undefined ? {} : { chain: placed.chain }),
  ...(placed?.leaseMs === undefined ? {} : { leaseMs: placed.leaseMs }),
  ...(placed?.base === undefined ? {} : { base: placed.base }),
  ...(placed?.unread === undefined ? {} : { unread: placed.unread }),
})

/** What became of a mutation. `version` is that of the last change it made in the space it names. */
export type Outcome = { status: 'applied'; version?: number } | { status: 'rejected'; error: Rejection }

export interface World {
  /** Those that exist; a missing one does not. */
  spaces: Map<SpaceId, Space>
  beings: Map<BeingId, Being>
  /** Ids that stay taken: whoever took them again would inherit rights. */
  removedBeings: Set<BeingId>
  intentions: Map<IntentionId, PlacedIntention>
  /** Bots by the space they were in when it was locked, as far as it takes to wake them. Never altered. */
  bots: PairMap<SpaceId, BeingId, Being>
  /**
   * By space. Holds at least those the batch concerns, every owner where members are changed, and every role of beings
   * that are removed.
   */
  members: PairMap<SpaceId, BeingId, Role>
  /** Those that somebody of the batch shows. */
  invites: Map<InviteId, OpenInvite>
  /** By actor. */
  ledger: PairMap<BeingId, MutationId, Outcome>
  /** Spaces removed on the way, whose rows go as a whole, loaded here or not. */
  cleared: Set<SpaceId>
}

export const emptyWorld = (): World => ({
  spaces: new Map(),
  beings: new Map(),
  removedBeings: new Set(),
  intentions: new Map(),
  bots: new PairMap(),
  members: new PairMap(),
  invites: new Map(),
  ledger: new PairMap(),
  cleared: new Set(),
})

/** A copy whose entries can be replaced without altering the original's. */
export const copyWorld = (world: World): World => ({
  spaces: new Map(world.spaces),
  beings: new Map(world.beings),
  removedBeings: new Set(world.removedBeings),
  intentions: new Map(world.intentions),
  bots: world.bots,
  members: world.members.copy(),
  invites: new Map(world.invites),
  ledger: world.ledger.copy(),
  cleared: new Set(world.cleared),
})

/** Looks up in a world, as it is at the time. */
export const readerOf = (world: World): WorldReader => ({
  space: (id) => world.spaces.get(id),
  being: (id) => world.beings.get(id),
  intention: (id) => unplaced(world.intentions.get(id)),
  kept: (id) => keptOf(world.intentions.get(id)),
  role: (space, being) => world.members.get(space, being),
  ownerCount: (space) => ownersOf(world, space),
  membershipsOf: (being) => membershipsOf(world, being),
  isTaken: (id) => isTaken(world, id),
})

/** Spaces and beings share one namespace. */
function isTaken({ spaces, beings, removedBeings }: World, id: BeingId): boolean {
  const named: readonly { has(id: BeingId): boolean }[] = [spaces, beings, removedBeings]
  return id === OPERATOR || named.some((names) => names.has(id))
}

/** As it travels. */
export function unplaced(placed: PlacedIntention): Intention
export function unplaced(placed: PlacedIntention | undefined): Intention | undefined
export function unplaced(placed: PlacedIntention | undefined): Intention | undefined {
  if (placed === undefined) return undefined
  const { position: _position, chain: _chain, leaseMs: _leaseMs, base: _base, unread: _unread, ...intention } = placed
  return intention
}

function membershipsOf({ members }: World, being: BeingId): (readonly [SpaceId, Role])[] {
  const found: (readonly [SpaceId, Role])[] = []
  for (const space of members.firsts()) {
    const role = members.get(space, being)
    if (role !== undefined) found.push([space, role])
  }
  return found.sort(([left], [right]) => (left < right ? -1 : 1))
}

function ownersOf(world: World, space: SpaceId): number {
  let count = 0
  for (const role of world.members.of(space).values()) if (role === 'owner') count += 1
  return count
}
