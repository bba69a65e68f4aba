/**
 * Locks what a batch may change and reads what deciding it needs: set-based, one statement per table, sent together.
 *
 * Locks are taken in one order everywhere, so that two transactions never wait for each other: spaces by id, then
 * beings located nowhere by id. A space's lock covers its rows, its log and the beings located in it. A being that
 * moves may have moved again before its lock was had: then `StaleLocks` says so, and the caller begins anew.
 */
import { emptyWorld, type RequestedMutation, type World } from '@rhizom/domain'
import type { BeingId, IntentionId, MutationId, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { addAsked, addBots, readBots } from './load-replies.ts'
import { outcomeOf, type OutcomeRow } from './ledger.ts'
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
}

/** What a batch locks and reads, gathered before anything is asked. */
interface LockScope {
  spaces: Set<SpaceId>
  beings: Set<BeingId>
  /** Beings whose place or row changes: where they are must be locked. */
  changing: Set<BeingId>
  intentions: Set<IntentionId>
  /** Whether owners must be counted. */
  members: boolean
  /** Whether bots may be woken. */
  bots: boolean
  /** Intentions that may be carried out or stopped by others than their owner. */
  asked: { actor: BeingId; id: IntentionId }[]
}

export function lockScopeOf(space: SpaceId | null, requested: readonly RequestedMutation[]): LockScope {
  const scope: LockScope = {
    spaces: new Set(space === null ? [] : [space]),
    beings: new Set(),
    changing: new Set(),
    intentions: new Set(),
    members: false,
    bots: false,
    asked: [],
  }
  for (const { actor, mutation } of requested) {
    scope.beings.add(actor)
    switch (mutation.name) {
      case 'space.create':
      case 'space.update':
        scope.beings.add(mutation.space)
        break
      case 'space.remove':
        break
      case 'being.create':
        scope.beings.add(mutation.args.id)
        break
      case 'being.update':
      case 'being.remove':
        scope.beings.add(mutation.args.id)
        // In a space, being located there is covered by the space's lock and anything else is rejected.
        if (mutation.space === null) scope.changing.add(mutation.args.id)
        break
      case 'being.move':
        scope.beings.add(mutation.args.id)
        scope.changing.add(mutation.args.id)
        break
      case 'intention.update':
      case 'intention.append':
      case 'intention.claim':
      case 'intention.retry':
        scope.asked.push({ actor, id: mutation.args.id })
        scope.intentions.add(mutation.args.id)
        if (mutation.name === 'intention.update' && mutation.args.state === 'complete') scope.bots = true
        break
      case 'intention.create':
        scope.bots = true
        scope.intentions.add(mutation.args.id)
        break
      case 'intention.remove':
        scope.intentions.add(mutation.args.id)
        break
      case 'member.put':
      case 'member.remove':
        scope.beings.add(mutation.args.being)
        scope.members = true
        break
      default:
        mutation satisfies never
    }
  }
  return scope
}

type LockedSpaceRow = SpaceRow & { removed: boolean }
type LoadedBeingRow = BeingRow & { removed: boolean }
type LedgerRow = OutcomeRow & { actor: BeingId; id: MutationId }

/** To be called first thing after `begin`. */
export async function loadWorld(
  sql: Sql,
  space: SpaceId | null,
  requested: readonly RequestedMutation[],
): Promise<LockedWorld> {
  const scope = lockScopeOf(space, requested)
  const nowhere = await addSources(sql, scope)
  const [spaceRows, lockedBeings] = await Promise.all([lockSpaces(sql, [...scope.spaces]), lockNowhere(sql, nowhere)])
  const [[clock], beingRows, intentionRows, memberRows, ledgerRows, botRows] = await Promise.all([
    sql<{ at: Date }[]>`select date_trunc('milliseconds', clock_timestamp()) as at`,
    readBeings(sql, [...scope.beings]),
    readIntentions(sql, [...scope.intentions]),
    readMembers(sql, scope),
    readLedger(sql, requested),
    space !== null && scope.bots ? readBots(sql, space) : [],
  ])
  if (clock === undefined) throw new Error('the database told no time')
  const world = emptyWorld()
  const formerSpaces = new Set<SpaceId>()
  for (const { removed, ...row } of spaceRows)
    if (removed) formerSpaces.add(row.id)
    else world.spaces.set(row.id, spaceOf(row))
  for (const { removed, ...row } of beingRows)
    if (removed) world.removedBeings.add(row.id)
    else world.beings.set(row.id, beingOf(row))
  for (const row of intentionRows) world.intentions.set(row.id, placedIntentionOf(row))
  for (const row of memberRows) world.members.set(row.space, row.being, row.role)
  if (space !== null) addBots(world, space, botRows)
  await addAsked(sql, world, scope.asked)
  for (const row of ledgerRows) world.ledger.set(row.actor, row.id, outcomeOf(row))

  for (const id of scope.changing) {
    const being = world.beings.get(id)
    if (being === undefined) continue
    const covered = being.location === null ? lockedBeings.has(id) : scope.spaces.has(being.location)
    if (!covered) throw new StaleLocks(`${id} moved meanwhile`)
  }
  return { world, at: clock.at.getTime(), formerSpaces }
}

/** Adds the spaces that moving beings leave to those to lock; returns the beings that are nowhere. */
async function addSources(sql: Sql, scope: LockScope): Promise<BeingId[]> {
  if (scope.changing.size === 0) return []
  const rows = await sql<{ id: BeingId; location: SpaceId | null }[]>`
    select id, location from beings where id = any(${[...scope.changing]}::text[]) and removed_at is null`
  for (const { location } of rows) if (location !== null) scope.spaces.add(location)
  return rows.filter(({ location }) => location === null).map(({ id }) => id)
}

export const lockSpaces = (sql: Sql, ids: SpaceId[]) => sql<LockedSpaceRow[]>`
  select ${spaceColumns(sql)}, s.removed_at is not null as removed
  from spaces s where s.id = any(${ids}::text[]) order by s.id for no key update`

async function lockNowhere(sql: Sql, ids: BeingId[]): Promise<Set<BeingId>> {
  if (ids.length === 0) return new Set()
  const rows = await sql<{ id: BeingId }[]>`
    select id from beings where id = any(${ids}::text[]) and location is null order by id for no key update`
  return new Set(rows.map(({ id }) => id))
}

const readBeings = (sql: Sql, ids: BeingId[]) => sql<LoadedBeingRow[]>`
  select ${beingColumns(sql)}, b.removed_at is not null as removed from beings b where b.id = any(${ids}::text[])`

function readIntentions(sql: Sql, ids: IntentionId[]): Promise<readonly IntentionRow[]> {
  if (ids.length === 0) return Promise.resolve([])
  return sql<IntentionRow[]>`select ${intentionColumns(sql)} from intentions i where i.id = any(${ids}::uuid[])`
}

async function readMembers(sql: Sql, scope: LockScope): Promise<readonly MemberRow[]> {
  const spaces = [...scope.spaces]
  const concerned = sql<MemberRow[]>`
    select ${memberColumns(sql)} from members m
    where m.space = any(${spaces}::text[]) and m.being = any(${[...scope.beings]}::text[])`
  if (!scope.members) return concerned
  const owners = sql<MemberRow[]>`
    select ${memberColumns(sql)} from members m where m.space = any(${spaces}::text[]) and m.role = 'owner'`
  return (await Promise.all([concerned, owners])).flat()
}

const readLedger = (sql: Sql, requested: readonly RequestedMutation[]) => sql<LedgerRow[]>`
  select m.actor, m.id, m.status, m.version, m.code, m.message
  from unnest(${requested.map(({ actor }) => actor)}::text[], ${requested.map(({ mutation }) => mutation.id)}::uuid[]) as a(actor, id)
  join mutations m on m.actor = a.actor and m.id = a.id`
