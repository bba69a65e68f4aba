/**
 * Writes what a batch changed: the rows that differ between the world as loaded and as left, the log, the ledger and
 * the versions. One statement per table and kind of write, all sent together, each with its rows in the order of
 * their keys and the tables in one order, so that two transactions inserting the same keys never wait in a circle.
 */
import type { LoggedChange, Outcome, PlacedIntention, World } from '@rhizom/domain'
import type { SpaceId } from '@rhizom/protocol'
import type { Sql } from './database.ts'
import { timestampOf } from './timestamp.ts'

export interface WorldChange {
  before: World
  after: World
  /** Ids of removed spaces whose row is kept. */
  formerSpaces: ReadonlySet<SpaceId>
  changes: readonly LoggedChange[]
  at: number
}

interface Difference<T> {
  inserted: [string, T][]
  updated: [string, T][]
  deleted: string[]
}

function differenceOf<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): Difference<T> {
  const difference: Difference<T> = { inserted: [], updated: [], deleted: [] }
  for (const [key, value] of after) {
    const former = before.get(key)
    if (former === undefined) difference.inserted.push([key, value])
    else if (former !== value) difference.updated.push([key, value])
  }
  for (const key of before.keys()) if (!after.has(key)) difference.deleted.push(key)
  const byKey = (left: [string, T], right: [string, T]): number => (left[0] < right[0] ? -1 : 1)
  difference.inserted.sort(byKey)
  difference.updated.sort(byKey)
  difference.deleted.sort()
  return difference
}

/** Entries that were cleared with their space are gone before the row writes begin. */
function withoutCleared<T>(
  entries: ReadonlyMap<string, T>,
  cleared: ReadonlySet<SpaceId>,
  spaceOf: (key: string, value: T) => SpaceId,
): ReadonlyMap<string, T> {
  if (cleared.size === 0) return entries
  return new Map([...entries].filter(([key, value]) => !cleared.has(spaceOf(key, value))))
}

export async function storeWorld(sql: Sql, { before, after, formerSpaces, changes, at }: WorldChange): Promise<void> {
  const { cleared } = after
  const spaceOfMember = (key: string): SpaceId => key.slice(0, key.indexOf(' '))
  const members = differenceOf(withoutCleared(before.members, cleared, spaceOfMember), after.members)
  const intentions = differenceOf(
    withoutCleared(before.intentions, cleared, (_id, { location }) => location),
    after.intentions,
  )
  await Promise.all([
    ...clearSpaces(sql, [...cleared].sort()),
    ...removeSpaces(sql, changes, at),
    ...storeSpaces(sql, before, after, formerSpaces, at),
    ...storeBeings(sql, before, after, at),
    ...storeIntentions(sql, intentions),
    ...storeMembers(sql, members),
    ...storeChanges(sql, changes),
    ...storeLedger(sql, differenceOf(before.ledger, after.ledger).inserted, at),
  ])
}

type Statement = PromiseLike<unknown>

function clearSpaces(sql: Sql, ids: SpaceId[]): Statement[] {
  if (ids.length === 0) return []
  return [
    sql`update beings set location = null where location = any(${ids}::text[])`,
    sql`delete from intentions where location = any(${ids}::text[])`,
    sql`delete from members where space = any(${ids}::text[])`,
    sql`delete from beings where id = any(${ids}::text[])`,
  ]
}

function storeSpaces(
  sql: Sql,
  before: World,
  after: World,
  formerSpaces: ReadonlySet<SpaceId>,
  at: number,
): Statement[] {
  const { inserted, updated } = differenceOf(before.spaces, after.spaces)
  const rowOf = ([, space]: [string, { createdAt: number }]) => ({ ...space, createdAt: timestampOf(space.createdAt) })
  const created = inserted.filter(([id]) => !formerSpaces.has(id)).map(rowOf)
  const rewritten = [...updated, ...inserted.filter(([id]) => formerSpaces.has(id))].map(rowOf)
  const statements: Statement[] = []
  if (created.length > 0)
    statements.push(sql`
      insert into spaces (id, name, visibility, epoch, version, created_at, changed_at)
      select id, name, visibility, epoch, version, "createdAt", ${timestampOf(at)}::timestamptz
      from jsonb_to_recordset(${sql.json(created)}) as v(
        id text, name text, visibility text, epoch uuid, version bigint, "createdAt" timestamptz) order by id`)
  if (rewritten.length > 0)
    // changed_at is indexed: leaving it alone within a second of its last value keeps most updates off the index.
    statements.push(sql`
      update spaces s set name = v.name, visibility = v.visibility, epoch = v.epoch, version = v.version,
        created_at = v."createdAt", removed_at = null,
        changed_at = case when s.changed_at > ${timestampOf(at)}::timestamptz - interval '1 second' then s.changed_at
          else ${timestampOf(at)}::timestamptz end
      from jsonb_to_recordset(${sql.json(rewritten)}) as v(
        id text, name text, visibility text, epoch uuid, version bigint, "createdAt" timestamptz)
      where s.id = v.id`)
  return statements
}

/** The row stays, with the version of the removal, so that the announcement of heads carries it to every gateway. */
function removeSpaces(sql: Sql, changes: readonly LoggedChange[], at: number): Statement[] {
  const last = new Map<SpaceId, { id: SpaceId; epoch: string; version: number }>()
  for (const { space, epoch, change } of changes)
    if (change.kind === 'space.remove') last.set(space, { id: space, epoch, version: change.version })
  if (last.size === 0) return []
  return [
    sql`
      update spaces s set epoch = v.epoch, version = v.version, removed_at = ${timestampOf(at)}::timestamptz,
        changed_at = ${timestampOf(at)}::timestamptz
      from jsonb_to_recordset(${sql.json([...last.values()])}) as v(id text, epoch uuid, version bigint)
      where s.id = v.id`,
  ]
}

function storeBeings(sql: Sql, before: World, after: World, at: number): Statement[] {
  const { inserted, updated } = differenceOf(
    withoutCleared(before.beings, after.cleared, (id) => id),
    after.beings,
  )
  const rowOf = ([, being]: [string, { createdAt: number; modifiedAt: number }]) => ({
    ...being,
    createdAt: timestampOf(being.createdAt),
    modifiedAt: timestampOf(being.modifiedAt),
  })
  const removed = [...after.removedBeings].filter((id) => !before.removedBeings.has(id)).sort()
  const emptied = removed.filter((id) => before.beings.has(id))
  const neverStored = removed.filter((id) => !before.beings.has(id))
  const statements: Statement[] = []
  if (emptied.length > 0)
    statements.push(sql`
      update beings set name = id, owner = null, location = null, metadata = '{}', properties = '{}', content = '[]',
        modified_at = ${timestampOf(at)}::timestamptz, removed_at = ${timestampOf(at)}::timestamptz
      where id = any(${emptied}::text[])`)
  if (neverStored.length > 0)
    statements.push(sql`
      insert into beings (id, type, name, metadata, properties, content, rev, created_at, modified_at, removed_at)
      select id, 'guest', id, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb, 0, ${timestampOf(at)}::timestamptz,
        ${timestampOf(at)}::timestamptz, ${timestampOf(at)}::timestamptz
      from unnest(${neverStored}::text[]) as r(id) order by id`)
  if (inserted.length > 0)
    statements.push(sql`
      insert into beings (id, type, name, owner, location, metadata, properties, content, rev, created_at, modified_at)
      select id, type, name, owner, location, metadata, properties, content, rev, "createdAt", "modifiedAt"
      from jsonb_to_recordset(${sql.json(inserted.map(rowOf))}) as v(
        id text, type text, name text, owner text, location text, metadata jsonb, properties jsonb, content jsonb,
        rev bigint, "createdAt" timestamptz, "modifiedAt" timestamptz) order by id`)
  if (updated.length > 0)
    statements.push(sql`
      update beings b set name = v.name, location = v.location, metadata = v.metadata, properties = v.properties,
        content = v.content, rev = v.rev, modified_at = v."modifiedAt"
      from jsonb_to_recordset(${sql.json(updated.map(rowOf))}) as v(
        id text, name text, location text, metadata jsonb, properties jsonb, content jsonb, rev bigint,
        "modifiedAt" timestamptz)
      where b.id = v.id`)
  return statements
}

function storeIntentions(sql: Sql, { inserted, updated, deleted }: Difference<PlacedIntention>): Statement[] {
  const statements: Statement[] = []
  if (deleted.length > 0) statements.push(sql`delete from intentions where id = any(${deleted}::uuid[])`)
  if (inserted.length > 0) {
    const rows = inserted.map(([, row]) => ({
      ...row,
      createdAt: timestampOf(row.createdAt),
      modifiedAt: timestampOf(row.modifiedAt),
    }))
    statements.push(sql`
      insert into intentions (id, type, state, owner, location, content, rev, position, created_at, modified_at)
      select id, type, state, owner, location, content, rev, position, "createdAt", "modifiedAt"
      from jsonb_to_recordset(${sql.json(rows)}) as v(
        id uuid, type text, state text, owner text, location text, content jsonb, rev bigint, position bigint,
        "createdAt" timestamptz, "modifiedAt" timestamptz) order by id`)
  }
  if (updated.length > 0) {
    const rows = updated.map(([id, { state, content, rev, modifiedAt }]) => ({
      id,
      state,
      content,
      rev,
      modifiedAt: timestampOf(modifiedAt),
    }))
    statements.push(sql`
      update intentions i set state = v.state, content = v.content, rev = v.rev, modified_at = v."modifiedAt"
      from jsonb_to_recordset(${sql.json(rows)}) as v(
        id uuid, state text, content jsonb, rev bigint, "modifiedAt" timestamptz)
      where i.id = v.id`)
  }
  return statements
}

function storeMembers(sql: Sql, { inserted, updated, deleted }: Difference<string>): Statement[] {
  const rowOf = ([key, role]: [string, string]) => ({ ...partsOf(key), role })
  const statements: Statement[] = []
  if (deleted.length > 0)
    statements.push(sql`
      delete from members m using jsonb_to_recordset(${sql.json(deleted.map(partsOf))}) as v(space text, being text)
      where m.space = v.space and m.being = v.being`)
  if (inserted.length > 0)
    statements.push(sql`
      insert into members (space, being, role) select space, being, role
      from jsonb_to_recordset(${sql.json(inserted.map(rowOf))}) as v(space text, being text, role text)
      order by space, being`)
  if (updated.length > 0)
    statements.push(sql`
      update members m set role = v.role
      from jsonb_to_recordset(${sql.json(updated.map(rowOf))}) as v(space text, being text, role text)
      where m.space = v.space and m.being = v.being`)
  return statements
}

/** Splits a key made by memberKey or ledgerKey. */
function partsOf(key: string): { space: string; being: string } {
  const blank = key.indexOf(' ')
  return { space: key.slice(0, blank), being: key.slice(blank + 1) }
}

function storeChanges(sql: Sql, changes: readonly LoggedChange[]): Statement[] {
  if (changes.length === 0) return []
  const rows = changes.map(({ space, epoch, change }) => ({ space, epoch, ...change, at: timestampOf(change.at) }))
  return [
    sql`
      insert into changes (space, epoch, version, kind, actor, mutation, body, at)
      select space, epoch, version, kind, actor, mutation, body, at
      from jsonb_to_recordset(${sql.json(rows)}) as v(
        space text, epoch uuid, version bigint, kind text, actor text, mutation uuid, body jsonb, at timestamptz)
      order by space, epoch, version`,
  ]
}

function storeLedger(sql: Sql, outcomes: readonly [string, Outcome][], at: number): Statement[] {
  if (outcomes.length === 0) return []
  const rows = outcomes.map(([key, outcome]) => {
    const { space: actor, being: id } = partsOf(key)
    return outcome.status === 'applied'
      ? { actor, id, status: outcome.status, version: outcome.version ?? null, code: null, message: null }
      : { actor, id, status: outcome.status, version: null, ...outcome.error }
  })
  return [
    sql`
      insert into mutations (actor, id, status, version, code, message, at)
      select actor, id, status, version, code, message, ${timestampOf(at)}::timestamptz
      from jsonb_to_recordset(${sql.json(rows)}) as v(
        actor text, id uuid, status text, version bigint, code text, message text)
      order by actor, id`,
  ]
}
