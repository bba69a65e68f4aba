/**
 * Locks what a batch may change and reads what deciding it needs: set-based, one statement per table, sent together.
 *
 * Locks are taken in one order everywhere, so that two transactions never wait for each other: spaces by id, then
 * beings located nowhere by id. A space's lock covers its rows, its log and the beings located in it. A being that
 * moves may have moved again before its lock was had: then `StaleLocks` says so, and the caller begins anew.
 *
 * What is locked beside the space of the batch is where an actor's own beings are, and where they have roles if they
 * are removed. Whoever names a being of others locks nothing for it.
 */
import { emptyWorld, PairMap, type RequestedMutation, type World } from '@rhizom/domain'
import type { BeingId, IntentionId, MutationId, SpaceId } from '@rhizom/protocol'
import { type LockScope, lockScopeOf } from './lock-scope.ts'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, intentions, members, mutations, spaces } from '../schema.ts'
import { addAsked, addBots, readBots } from './load-replies.ts'
import { outcomeColumns, outcomeOf, type OutcomeRow } from './ledger.ts'
import {
  beingColumns,
  beingOf,
  type BeingRow,
  intentionColumns,
  type IntentionRow,
  memberColumns,
  type MemberRow,
  placedIntentionOf,
  spaceColumns,
  spaceOf,
  type SpaceRow,
} from '../rows.ts'

const s = namesOf(spaces, 's')
const b = namesOf(beings, 'b')
const i = namesOf(intentions, 'i')
const m = namesOf(members, 'm')
const o = namesOf(mutations, 'o')

/** A being left the spaces that were locked for it. Roll back and begin anew. */
export class StaleLocks extends Error {
  override name = 'StaleLocks'
}

export interface LockedWorld {
  world: World
  /** The database's clock, read under the locks. */
  at: number
  /** Ids of removed spaces whose row is kept: created again, it is updated. */
  formerSpaces: Set<SpaceId>
  /** Spaces whose row is locked. */
  locked: ReadonlySet<SpaceId>
}

type LockedSpaceRow = SpaceRow & { removed: boolean }
type LoadedBeingRow = BeingRow & { removed: boolean }
type LedgerRow = OutcomeRow & { actor: BeingId; id: MutationId }

/**
 * To be called first thing after `begin`. Unless it is `patient`, it waits for no space's lock: of `spaces`, those that
 * another transaction holds, or that are not there, are then missing in `locked`, and nothing of them may be decided.
 */
export async function loadWorld(
  sql: Sql,
  spaces: readonly SpaceId[],
  requested: readonly RequestedMutation[],
  patient = true,
): Promise<LockedWorld> {
  const scope = lockScopeOf(spaces, requested)
  const own = await addPlaces(sql, scope)
  // A query is sent when it is awaited unless told otherwise. The locks go before all else, so that what is read behind
  // them on the same connection is what stands under them.
  const ids = [...scope.spaces]
  const lockingSpaces = (patient ? lockSpaces(sql, ids) : lockFreeSpaces(sql, ids)).execute()
  const lockingBeings = own.nowhere.length === 0 ? [] : lockNowhere(sql, own.nowhere).execute()
  const [spaceRows, lockedRows, [clock], beingRows, homes, intentionRows, memberRows, ledgerRows, botRows] =
    await Promise.all([
      lockingSpaces,
      lockingBeings,
      sql<{ at: Date }[]>`select date_trunc('milliseconds', clock_timestamp()) as at`,
      readBeings(sql, [...scope.beings]),
      readHomes(sql, [...scope.beings], requested),
      readIntentions(sql, [...scope.intentions]),
      readMembers(sql, scope, own.removing),
      readLedger(sql, requested),
      scope.bots.size > 0 ? readBots(sql, [...scope.bots]) : [],
    ])
  const lockedBeings = new Set(lockedRows.map(({ id }) => id))
  if (clock === undefined) throw new Error('the database told no time')
  const world = emptyWorld()
  const formerSpaces = new Set<SpaceId>()
  for (const { removed, ...row } of spaceRows)
    if (removed) formerSpaces.add(row.id)
    else world.spaces.set(row.id, spaceOf(row))
  for (const row of homes.spaces) if (!world.spaces.has(row.id)) world.spaces.set(row.id, spaceOf(row))
  for (const { removed, ...row } of beingRows)
    if (removed) world.removedBeings.add(row.id)
    else world.beings.set(row.id, beingOf(row))
  for (const row of intentionRows) world.intentions.set(row.id, placedIntentionOf(row))
  for (const row of [...homes.members, ...memberRows]) world.members.set(row.space, row.being, row.role)
  addBots(world, botRows)
  await addAsked(sql, world, scope.asked)
  for (const row of ledgerRows) world.ledger.set(row.actor, row.id, outcomeOf(row))

  for (const id of own.changing) {
    const being = world.beings.get(id)
    if (being === undefined) continue
    const covered = being.location === null ? lockedBeings.has(id) : scope.spaces.has(being.location)
    if (!covered) throw new StaleLocks(`${id} moved meanwhile`)
  }
  for (const { space, being } of memberRows)
    if (own.removing.has(being) && !scope.spaces.has(space)) throw new StaleLocks(`${being} has a role more`)
  return { world, at: clock.at.getTime(), formerSpaces, locked: new Set(spaceRows.map(({ id }) => id)) }
}

/** Of the beings that are to change, those that may: they belong to whoever asks. */
interface OwnBeings {
  changing: Set<BeingId>
  removing: Set<BeingId>
  nowhere: BeingId[]
}

/** Adds the spaces that own beings leave, and those in which they have roles that go with them, to those to lock. */
async function addPlaces(sql: Sql, scope: LockScope): Promise<OwnBeings> {
  const removed = [...scope.removing.firsts()]
  const ids = [...new Set([...scope.changing.firsts(), ...removed])]
  const own: OwnBeings = { changing: new Set(), removing: new Set(), nowhere: [] }
  if (ids.length === 0) return own
  const [rows, roles] = await Promise.all([
    sql<{ id: BeingId; owner: BeingId | null; location: SpaceId | null }[]>`
      select ${b.id}, ${b.owner}, ${b.location} from ${b.as}
      where ${b.id} = any(${ids}::text[]) and ${b.removedAt} is null`,
    removed.length === 0 ? [] : readRolesOf(sql, removed),
  ])
  for (const { id, owner, location } of rows) {
    const isAsked = (by: PairMap<BeingId, BeingId, true>) =>
      by.get(id, id) !== undefined || (owner !== null && by.get(id, owner) !== undefined)
    if (isAsked(scope.removing)) own.removing.add(id)
    if (!isAsked(scope.changing)) continue
    own.changing.add(id)
    if (location === null) own.nowhere.push(id)
    else scope.spaces.add(location)
  }
  for (const { space, being } of roles) if (own.removing.has(being)) scope.spaces.add(space)
  if (own.removing.size > 0) scope.members = true
  return own
}

const readRolesOf = (sql: Sql, ids: BeingId[]) => sql<MemberRow[]>`
  select ${memberColumns} from ${m.as} where ${m.being} = any(${ids}::text[])`

/**
 * Where documents are that the batch names, and the spaces among what it names, with the roles of those who ask: what
 * is told of them depends on whether they may read there. Read only, and so not locked.
 */
async function readHomes(sql: Sql, named: BeingId[], requested: readonly RequestedMutation[]) {
  const actors = [...new Set(requested.map(({ actor }) => actor))]
  if (named.every((id) => actors.includes(id))) return { spaces: [], members: [] }
  const homes = () => sql`
    select case when ${b.type} = 'space' then ${b.id} else ${b.location} end from ${b.as}
    where ${b.id} = any(${named}::text[]) and ${b.type} in ('space', 'document')`
  const [spaceRows, memberRows] = await Promise.all([
    sql<SpaceRow[]>`
      select ${spaceColumns} from ${s.as} where ${s.id} in (${homes()}) and ${s.removedAt} is null`,
    sql<MemberRow[]>`
      select ${memberColumns} from ${m.as} where ${m.space} in (${homes()}) and ${m.being} = any(${actors}::text[])`,
  ])
  return { spaces: spaceRows, members: memberRows }
}

export const lockSpaces = (sql: Sql, ids: SpaceId[]) => sql<LockedSpaceRow[]>`
  select ${spaceColumns}, ${s.removedAt} is not null as removed
  from ${s.as} where ${s.id} = any(${ids}::text[]) order by ${s.id} for no key update`

/** Those that nobody else holds. */
const lockFreeSpaces = (sql: Sql, ids: SpaceId[]) => sql<LockedSpaceRow[]>`
  select ${spaceColumns}, ${s.removedAt} is not null as removed
  from ${s.as} where ${s.id} = any(${ids}::text[]) order by ${s.id} for no key update skip locked`

const lockNowhere = (sql: Sql, ids: BeingId[]) => sql<{ id: BeingId }[]>`
  select ${b.id} from ${b.as}
  where ${b.id} = any(${ids}::text[]) and ${b.location} is null order by ${b.id} for no key update`

const readBeings = (sql: Sql, ids: BeingId[]) => sql<LoadedBeingRow[]>`
  select ${beingColumns}, ${b.removedAt} is not null as removed from ${b.as} where ${b.id} = any(${ids}::text[])`

function readIntentions(sql: Sql, ids: IntentionId[]): Promise<readonly IntentionRow[]> {
  if (ids.length === 0) return Promise.resolve([])
  return sql<IntentionRow[]>`select ${intentionColumns} from ${i.as} where ${i.id} = any(${ids}::uuid[])`
}

async function readMembers(sql: Sql, scope: LockScope, removing: ReadonlySet<BeingId>): Promise<readonly MemberRow[]> {
  if (scope.roles !== undefined) return readRolesIn(sql, scope.roles)
  const ids = [...scope.spaces]
  const concerned = sql<MemberRow[]>`
    select ${memberColumns} from ${m.as}
    where ${m.space} = any(${ids}::text[]) and ${m.being} = any(${[...scope.beings]}::text[])`
  if (!scope.members) return concerned
  const owners = sql<MemberRow[]>`
    select ${memberColumns} from ${m.as} where ${m.space} = any(${ids}::text[]) and ${m.role} = 'owner'`
  const roles = removing.size === 0 ? [] : readRolesOf(sql, [...removing])
  return (await Promise.all([concerned, owners, roles])).flat()
}

function readRolesIn(sql: Sql, roles: PairMap<SpaceId, BeingId, true>) {
  const pairs = [...roles.firsts()].flatMap((space) => [...roles.of(space).keys()].map((being) => ({ space, being })))
  const [inSpaces, ofBeings] = [pairs.map(({ space }) => space), pairs.map(({ being }) => being)]
  return sql<MemberRow[]>`
    select ${memberColumns} from unnest(${inSpaces}::text[], ${ofBeings}::text[]) as a(space, being)
    join ${m.as} on ${m.space} = a.space and ${m.being} = a.being`
}

const readLedger = (sql: Sql, requested: readonly RequestedMutation[]) => sql<LedgerRow[]>`
  select ${o.actor}, ${o.id}, ${outcomeColumns}
  from unnest(${requested.map(({ actor }) => actor)}::text[], ${requested.map(({ mutation }) => mutation.id)}::uuid[]) as a(actor, id)
  join ${o.as} on ${o.actor} = a.actor and ${o.id} = a.id`
