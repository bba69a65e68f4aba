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
}

/** What a batch locks and reads, gathered before anything is asked. */
interface LockScope {
  spaces: Set<SpaceId>
  beings: Set<BeingId>
  /** Beings whose place or row changes, with those who ask for it: where they are must be locked. */
  changing: PairMap<BeingId, BeingId, true>
  /** Beings that are removed, in the same way: where they have roles must be locked. */
  removing: PairMap<BeingId, BeingId, true>
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
    changing: new PairMap(),
    removing: new PairMap(),
    intentions: new Set(),
    members: false,
    bots: false,
    asked: [],
  }
  for (const { actor, isOperator = false, mutation } of requested) {
    // An operator is no being, and may change each as that may change itself.
    const onBehalfOf = (id: BeingId): BeingId => (isOperator ? id : actor)
    if (!isOperator) scope.beings.add(actor)
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
      case 'being.expel':
        scope.beings.add(mutation.args.id)
        break
      case 'being.update':
      case 'being.remove':
        scope.beings.add(mutation.args.id)
        // In a space, being located there is covered by the space's lock and anything else is rejected.
        if (mutation.space === null) scope.changing.set(mutation.args.id, onBehalfOf(mutation.args.id), true)
        if (mutation.name === 'being.remove') scope.removing.set(mutation.args.id, onBehalfOf(mutation.args.id), true)
        break
      case 'being.move':
        scope.beings.add(mutation.args.id)
        scope.changing.set(mutation.args.id, actor, true)
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
  const own = await addPlaces(sql, scope)
  const [spaceRows, lockedBeings] = await Promise.all([
    lockSpaces(sql, [...scope.spaces]),
    lockNowhere(sql, own.nowhere),
  ])
  const [[clock], beingRows, homes, intentionRows, memberRows, ledgerRows, botRows] = await Promise.all([
    sql<{ at: Date }[]>`select date_trunc('milliseconds', clock_timestamp()) as at`,
    readBeings(sql, [...scope.beings]),
    readHomes(sql, [...scope.beings], requested),
    readIntentions(sql, [...scope.intentions]),
    readMembers(sql, scope, own.removing),
    readLedger(sql, requested),
    space !== null && scope.bots ? readBots(sql, space) : [],
  ])
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
  if (space !== null) addBots(world, space, botRows)
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
  return { world, at: clock.at.getTime(), formerSpaces }
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

async function readMembers(sql: Sql, scope: LockScope, removing: ReadonlySet<BeingId>): Promise<readonly MemberRow[]> {
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

const readLedger = (sql: Sql, requested: readonly RequestedMutation[]) => sql<LedgerRow[]>`
  select ${o.actor}, ${o.id}, ${outcomeColumns}
  from unnest(${requested.map(({ actor }) => actor)}::text[], ${requested.map(({ mutation }) => mutation.id)}::uuid[]) as a(actor, id)
  join ${o.as} on ${o.actor} = a.actor and ${o.id} = a.id`
