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
import { namesOf } from '../names.ts'
import { beings, intentions, members, mutations, spaces } from '../schema.ts'
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
}

export function lockScopeOf(space: SpaceId | null, requested: readonly RequestedMutation[]): LockScope {
  const scope: LockScope = {
    spaces: new Set(space === null ? [] : [space]),
    beings: new Set(),
    changing: new Set(),
    intentions: new Set(),
    members: false,
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
      case 'intention.create':
      case 'intention.update':
      case 'intention.append':
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
  const [[clock], beingRows, intentionRows, memberRows, ledgerRows] = await Promise.all([
    sql<{ at: Date }[]>`select date_trunc('milliseconds', clock_timestamp()) as at`,
    readBeings(sql, [...scope.beings]),
    readIntentions(sql, [...scope.intentions]),
    readMembers(sql, scope),
    readLedger(sql, requested),
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
    select ${b.id}, ${b.location} from ${b.as}
    where ${b.id} = any(${[...scope.changing]}::text[]) and ${b.removedAt} is null`
  for (const { location } of rows) if (location !== null) scope.spaces.add(location)
  return rows.filter(({ location }) => location === null).map(({ id }) => id)
}

const lockSpaces = (sql: Sql, ids: SpaceId[]) => sql<LockedSpaceRow[]>`
  select ${spaceColumns}, ${s.removedAt} is not null as removed
  from ${s.as} where ${s.id} = any(${ids}::text[]) order by ${s.id} for no key update`

async function lockNowhere(sql: Sql, ids: BeingId[]): Promise<Set<BeingId>> {
  if (ids.length === 0) return new Set()
  const rows = await sql<{ id: BeingId }[]>`
    select ${b.id} from ${b.as}
    where ${b.id} = any(${ids}::text[]) and ${b.location} is null order by ${b.id} for no key update`
  return new Set(rows.map(({ id }) => id))
}

const readBeings = (sql: Sql, ids: BeingId[]) => sql<LoadedBeingRow[]>`
  select ${beingColumns}, ${b.removedAt} is not null as removed from ${b.as} where ${b.id} = any(${ids}::text[])`

function readIntentions(sql: Sql, ids: IntentionId[]): Promise<readonly IntentionRow[]> {
  if (ids.length === 0) return Promise.resolve([])
  return sql<IntentionRow[]>`select ${intentionColumns} from ${i.as} where ${i.id} = any(${ids}::uuid[])`
}

async function readMembers(sql: Sql, scope: LockScope): Promise<readonly MemberRow[]> {
  const ids = [...scope.spaces]
  const concerned = sql<MemberRow[]>`
    select ${memberColumns} from ${m.as}
    where ${m.space} = any(${ids}::text[]) and ${m.being} = any(${[...scope.beings]}::text[])`
  if (!scope.members) return concerned
  const owners = sql<MemberRow[]>`
    select ${memberColumns} from ${m.as} where ${m.space} = any(${ids}::text[]) and ${m.role} = 'owner'`
  return (await Promise.all([concerned, owners])).flat()
}

const readLedger = (sql: Sql, requested: readonly RequestedMutation[]) => sql<LedgerRow[]>`
  select ${o.actor}, ${o.id}, ${outcomeColumns}
  from unnest(${requested.map(({ actor }) => actor)}::text[], ${requested.map(({ mutation }) => mutation.id)}::uuid[]) as a(actor, id)
  join ${o.as} on ${o.actor} = a.actor and ${o.id} = a.id`
