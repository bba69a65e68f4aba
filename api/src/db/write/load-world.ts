/**
 * Locks what a batch may change and reads what deciding it needs: set-based, one statement that locks and behind it one
 * that reads, sent together. What each statement costs beside its rows (to be sent, begun and answered) is more than
 * the rows of a few mutations do.
 *
 * Locks are taken in one order everywhere, so that two transactions never wait for each other: spaces by id, then
 * beings located nowhere by id. A space's lock covers its rows, its log and the beings located in it. A being that
 * moves may have moved again before its lock was had: then `StaleLocks` says so, and the caller begins anew.
 *
 * What is locked beside the space of the batch is where an actor's own beings are, and where they have roles if they
 * are removed. Whoever names a being of others locks nothing for it.
 */
import { emptyWorld, PairMap, type RequestedMutation, type World } from '@rhizom/domain'
import type { BeingId, InviteId, MutationId, SpaceId } from '@rhizom/protocol'
import type postgres from 'postgres'
import { type LockScope, lockScopeOf } from './lock-scope.ts'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, invites, members, mutations, spaces } from '../schema.ts'
import { openInviteColumns, openInviteOf, type OpenInviteRow } from '../read/invites.ts'
import { addAsked, addBots, type BotRow, readBots } from './load-replies.ts'
import { outcomeColumns, outcomeOf, type OutcomeRow } from './ledger.ts'
import { loadedIntentionOf, type LoadedIntentionRow, readIntentions } from './load-intentions.ts'
import { onlyAppendedTo } from './unread.ts'
import {
  beingColumns,
  beingOf,
  type BeingRow,
  memberColumns,
  type MemberRow,
  spaceColumns,
  spaceOf,
  type SpaceRow,
} from '../rows.ts'

const s = namesOf(spaces, 's')
const b = namesOf(beings, 'b')
const m = namesOf(members, 'm')
const o = namesOf(mutations, 'o')
const n = namesOf(invites, 'n')

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
  const reading = readUnderLocks(sql, scope, own.removing, requested)
  const [spaceRows, lockedRows, [read]] = await Promise.all([lockingSpaces, lockingBeings, reading])
  if (read === undefined) throw new Error('the database told no time')
  const lockedBeings = new Set(lockedRows.map(({ id }) => id))
  const memberRows = [...read.members, ...read.owners, ...read.removedRoles]
  const world = emptyWorld()
  const formerSpaces = new Set<SpaceId>()
  for (const { removed, ...row } of spaceRows)
    if (removed) formerSpaces.add(row.id)
    else world.spaces.set(row.id, spaceOf(row))
  for (const row of read.homes) if (!world.spaces.has(row.id)) world.spaces.set(row.id, spaceOf(row))
  for (const { removed, ...row } of read.beings)
    if (removed) world.removedBeings.add(row.id)
    else world.beings.set(row.id, beingOf(row))
  for (const row of read.invites) world.invites.set(row.id, openInviteOf(row))
  for (const row of read.intentions) world.intentions.set(row.id, loadedIntentionOf(row))
  for (const row of [...read.rolesAtHome, ...memberRows]) world.members.set(row.space, row.being, row.role)
  addBots(world, read.bots)
  await addAsked(sql, world, scope.asked)
  for (const row of read.ledger) world.ledger.set(row.actor, row.id, outcomeOf(row))

  for (const id of own.changing) {
    const being = world.beings.get(id)
    if (being === undefined) continue
    const covered = being.location === null ? lockedBeings.has(id) : scope.spaces.has(being.location)
    if (!covered) throw new StaleLocks(`${id} moved meanwhile`)
  }
  for (const { space, being } of memberRows)
    if (own.removing.has(being) && !scope.spaces.has(space)) throw new StaleLocks(`${being} has a role more`)
  return { world, at: read.at.getTime(), formerSpaces, locked: new Set(spaceRows.map(({ id }) => id)) }
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
  if (own.removing.size > 0) scope.countsOwners = true
  return own
}

const readRolesOf = (sql: Sql, ids: BeingId[]) => sql<MemberRow[]>`
  select ${memberColumns} from ${m.as} where ${m.being} = any(${ids}::text[])`

interface ReadUnderLocks {
  at: Date
  beings: LoadedBeingRow[]
  intentions: LoadedIntentionRow[]
  members: MemberRow[]
  owners: MemberRow[]
  removedRoles: MemberRow[]
  homes: SpaceRow[]
  rolesAtHome: MemberRow[]
  ledger: LedgerRow[]
  invites: OpenInviteRow[]
  bots: BotRow[]
}

/** What is read of each table comes as one array of JSON. */
function readUnderLocks(
  sql: Sql,
  scope: LockScope,
  removing: ReadonlySet<BeingId>,
  requested: readonly RequestedMutation[],
) {
  const { homes, rolesAtHome } = homesIn(sql, [...scope.beings], requested)
  const shown = requested.flatMap(({ invite }) => invite ?? [])
  const rowsOf = (read: postgres.Fragment | undefined) =>
    read === undefined ? sql`'[]'::json` : sql`(select coalesce(json_agg(r), '[]') from (${read}) r)`
  return sql<ReadUnderLocks[]>`
    select date_trunc('milliseconds', clock_timestamp()) as "at",
      ${rowsOf(readBeings(sql, [...scope.beings]))} as "beings",
      ${rowsOf(scope.intentions.size > 0 ? readIntentions(sql, scope.intentions, onlyAppendedTo(requested)) : undefined)} as "intentions",
      ${rowsOf(readRoles(sql, scope))} as "members",
      ${rowsOf(scope.countsOwners ? readOwners(sql, [...scope.spaces]) : undefined)} as "owners",
      ${rowsOf(removing.size > 0 ? readRolesOf(sql, [...removing]) : undefined)} as "removedRoles",
      ${rowsOf(homes)} as "homes",
      ${rowsOf(rolesAtHome)} as "rolesAtHome",
      ${rowsOf(readLedger(sql, requested))} as "ledger",
      ${rowsOf(shown.length > 0 ? readInvites(sql, shown) : undefined)} as "invites",
      ${rowsOf(scope.bots.size > 0 ? readBots(sql, [...scope.bots]) : undefined)} as "bots"`
}

/**
 * Where documents are that the batch names, and the spaces among what it names, with the roles of those who ask: what
 * is told of them depends on whether they may read there. Read only, and so not locked.
 */
function homesIn(sql: Sql, named: BeingId[], requested: readonly RequestedMutation[]) {
  const actors = [...new Set(requested.map(({ actor }) => actor))]
  if (named.every((id) => actors.includes(id))) return { homes: undefined, rolesAtHome: undefined }
  const places = () => sql`
    select case when ${b.type} = 'space' then ${b.id} else ${b.location} end from ${b.as}
    where ${b.id} = any(${named}::text[]) and ${b.type} in ('space', 'document')`
  return {
    homes: sql`select ${spaceColumns} from ${s.as} where ${s.id} in (${places()}) and ${s.removedAt} is null`,
    rolesAtHome: sql`
      select ${memberColumns} from ${m.as} where ${m.space} in (${places()}) and ${m.being} = any(${actors}::text[])`,
  }
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

const readBeings = (sql: Sql, ids: BeingId[]) => sql`
  select ${beingColumns}, ${b.removedAt} is not null as removed from ${b.as} where ${b.id} = any(${ids}::text[])`

const readOwners = (sql: Sql, spaces: SpaceId[]) => sql`
  select ${memberColumns} from ${m.as} where ${m.space} = any(${spaces}::text[]) and ${m.role} = 'owner'`

const readRoles = (sql: Sql, { roles, spaces, beings }: LockScope) =>
  roles !== undefined
    ? readRolesIn(sql, roles)
    : sql`
        select ${memberColumns} from ${m.as}
        where ${m.space} = any(${[...spaces]}::text[]) and ${m.being} = any(${[...beings]}::text[])`

function readRolesIn(sql: Sql, roles: PairMap<SpaceId, BeingId, true>) {
  const pairs = [...roles.firsts()].flatMap((space) => [...roles.of(space).keys()].map((being) => ({ space, being })))
  const [inSpaces, ofBeings] = [pairs.map(({ space }) => space), pairs.map(({ being }) => being)]
  return sql`
    select ${memberColumns} from unnest(${inSpaces}::text[], ${ofBeings}::text[]) as a(space, being)
    join ${m.as} on ${m.space} = a.space and ${m.being} = a.being`
}

const readInvites = (sql: Sql, ids: InviteId[]) => sql`
  select ${openInviteColumns} from ${n.as} where ${n.id} = any(${ids}::uuid[])`

const readLedger = (sql: Sql, requested: readonly RequestedMutation[]) => sql`
  select ${o.actor}, ${o.id}, ${outcomeColumns}
  from unnest(${requested.map(({ actor }) => actor)}::text[], ${requested.map(({ mutation }) => mutation.id)}::uuid[]) as a(actor, id)
  join ${o.as} on ${o.actor} = a.actor and ${o.id} = a.id`
