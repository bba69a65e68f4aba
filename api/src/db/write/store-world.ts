/**
 * Writes what a batch changed: the rows that differ between the world as loaded and as left, the log, the ledger and
 * the versions. One statement per table and kind of write, all sent together, each with its rows in the order of
 * their keys and the tables in one order, so that two transactions inserting the same keys never wait in a circle.
 */
import { BLANK, type LoggedChange, type OpenInvite, type World } from '@rhizom/domain'
import type { Being, BeingId, InviteId, Role, Space, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { type Difference, differenceOf, pairDifferenceOf, withoutCleared } from './difference.ts'
import { deleteFrom, insertInto, namesOf, updateOf } from '../names.ts'
import { beings, changes as changesTable, intentions, invites, members, reads, spaces } from '../schema.ts'
import { timestampOf } from '../timestamp.ts'
import { ofEither, type Statement } from './statements.ts'
import { storeIntentions } from './store-intentions.ts'
import { storeLedger } from './store-ledger.ts'

export interface WorldChange {
  before: World
  after: World
  /** Ids of removed spaces whose row is kept. */
  formerSpaces: ReadonlySet<SpaceId>
  changes: readonly LoggedChange[]
  at: number
}

export async function storeWorld(sql: Sql, change: WorldChange): Promise<void> {
  await Promise.all(statementsOf(sql, change))
}

/** To be sent together, in this order. One alone, wherever no row is written twice. */
export function statementsOf(sql: Sql, { before, after, formerSpaces, changes, at }: WorldChange): Statement[] {
  const { cleared } = after
  const membersBefore = before.members.copy()
  for (const space of cleared) membersBefore.deleteAll(space)
  const intentions = differenceOf(
    withoutCleared(before.intentions, cleared, (_id, { location }) => location),
    after.intentions,
  )
  const others = [
    ...clearSpaces(sql, [...cleared].sort()),
    ...removeSpaces(sql, changes, at),
    ...blankWords(sql, changes),
  ]
  const rows = [
    ...storeSpaces(sql, before, after, formerSpaces, at),
    ...storeBeings(sql, before, after, at),
    ...storeIntentions(sql, before, intentions),
    ...storeMembers(sql, pairDifferenceOf(membersBefore, after.members)),
    ...storeInvites(sql, differenceOf(before.invites, after.invites).updated),
    ...storeChanges(sql, changes),
    ...storeLedger(sql, pairDifferenceOf(before.ledger, after.ledger).inserted, at),
  ]
  return others.length > 0 ? [...others, ...rows] : inOne(sql, rows)
}

/** One statement that writes what these write, each to rows of its own. */
function inOne(sql: Sql, statements: readonly Statement[]): Statement[] {
  const last = statements.at(-1)
  if (last === undefined || statements.length === 1) return [...statements]
  const [first, ...others] = statements.slice(0, -1).map((one, n) => sql`${sql.unsafe(`w${n}`)} as (${one})`)
  if (first === undefined) return [last]
  return [sql`with ${others.reduce((all, one) => sql`${all}, ${one}`, first)} ${last}`]
}

const b = namesOf(beings)
const i = namesOf(intentions)
const m = namesOf(members)
const r = namesOf(reads)
const v = namesOf(invites)

function clearSpaces(sql: Sql, ids: SpaceId[]): Statement[] {
  if (ids.length === 0) return []
  return [
    sql`update ${b.as} set ${b.location} = null where ${b.location} = any(${ids}::text[])`,
    sql`delete from ${i.as} where ${i.location} = any(${ids}::text[])`,
    sql`delete from ${m.as} where ${m.space} = any(${ids}::text[])`,
    sql`delete from ${r.as} where ${r.space} = any(${ids}::text[])`,
    sql`delete from ${v.as} where ${v.space} = any(${ids}::text[])`,
    sql`delete from ${b.as} where ${b.id} = any(${ids}::text[])`,
  ]
}

const insertSpaces = insertInto(
  spaces,
  ['id'],
  ['name', 'visibility', 'posting', 'historyFrom', 'epoch', 'version', 'createdAt', 'changedAt'],
)
const updateSpaces = updateOf(
  spaces,
  ['id'],
  ['name', 'visibility', 'posting', 'historyFrom', 'epoch', 'version', 'createdAt', 'removedAt'],
  {
    // It is indexed: leaving it alone within a second of its last value keeps most updates off the index.
    changedAt: (held, given) => `case when ${held} > ${given} - interval '1 second' then ${held} else ${given} end`,
  },
)

function storeSpaces(
  sql: Sql,
  before: World,
  after: World,
  formerSpaces: ReadonlySet<SpaceId>,
  at: number,
): Statement[] {
  const { inserted, updated } = differenceOf(before.spaces, after.spaces)
  const rowOf = ([, space]: [SpaceId, Space]) => ({
    ...space,
    posting: space.posting ?? 'everyone',
    historyFrom: space.historyFrom ?? 0,
    createdAt: timestampOf(space.createdAt),
    changedAt: timestampOf(at),
    removedAt: null,
  })
  const created = inserted.filter(([id]) => !formerSpaces.has(id)).map(rowOf)
  const rewritten = [...updated, ...inserted.filter(([id]) => formerSpaces.has(id))].map(rowOf)
  return [
    ...(created.length > 0 ? [insertSpaces(sql, created)] : []),
    ...(rewritten.length > 0 ? [updateSpaces(sql, rewritten)] : []),
  ]
}

const markSpacesRemoved = updateOf(spaces, ['id'], ['epoch', 'version', 'removedAt', 'removedBy', 'changedAt'])

/** The row stays, with the version of the removal, so that the announcement of heads carries it to every gateway. */
function removeSpaces(sql: Sql, changes: readonly LoggedChange[], at: number): Statement[] {
  const time = timestampOf(at)
  const last = new Map<SpaceId, Parameters<typeof markSpacesRemoved>[1][number]>()
  for (const { space, epoch, change } of changes)
    if (change.kind === 'space.remove')
      last.set(space, {
        ...{ id: space, epoch, version: change.version },
        ...{ removedAt: time, removedBy: change.actor, changedAt: time },
      })
  return last.size === 0 ? [] : [markSpacesRemoved(sql, [...last.values()])]
}

const ENTITY = ['name', 'location', 'metadata', 'properties', 'content', 'rev', 'modifiedAt'] as const
const insertBeings = insertInto(beings, ['id'], [...ENTITY, 'type', 'owner', 'createdAt'])
const updateBeings = updateOf(beings, ['id'], ENTITY)
/** What is long is not written again where it is as it was. */
const updateBeingsAround = updateOf(beings, ['id'], ['name', 'location', 'rev', 'modifiedAt'])
const EMPTIED = ['name', 'owner', 'location', 'metadata', 'properties', 'content', 'modifiedAt', 'removedAt'] as const
const emptyBeings = updateOf(beings, ['id'], EMPTIED)
const insertRemovedBeings = insertInto(beings, ['id'], [...EMPTIED, 'type', 'rev', 'createdAt'])

function storeBeings(sql: Sql, before: World, after: World, at: number): Statement[] {
  const { inserted, updated } = differenceOf(
    withoutCleared(before.beings, after.cleared, (id) => id),
    after.beings,
  )
  const aroundOf = ([id, { name, location, rev, modifiedAt }]: [BeingId, Being]) => ({
    ...{ id, name, location, rev },
    modifiedAt: timestampOf(modifiedAt),
  })
  const rowOf = ([, being]: [BeingId, Being]) => ({
    ...being,
    createdAt: timestampOf(being.createdAt),
    modifiedAt: timestampOf(being.modifiedAt),
  })
  const isAround = ([id, being]: [BeingId, Being]): boolean => {
    const former = before.beings.get(id)
    return (
      former?.content === being.content && former.metadata === being.metadata && former.properties === being.properties
    )
  }
  const time = timestampOf(at)
  const nothing = { owner: null, location: null, metadata: {}, properties: {}, content: [] }
  const emptyRowOf = (id: BeingId) => ({ id, name: id, ...nothing, modifiedAt: time, removedAt: time })
  const removed = [...after.removedBeings].filter((id) => !before.removedBeings.has(id)).sort()
  const emptied = removed.filter((id) => before.beings.has(id)).map(emptyRowOf)
  const neverStored = removed
    .filter((id) => !before.beings.has(id))
    .map((id) => ({ ...emptyRowOf(id), type: 'guest', rev: 0, createdAt: time }))
  return [
    ...(emptied.length > 0 ? [sql`delete from ${r.as} where ${r.being} = any(${removed}::text[])`] : []),
    ...(emptied.length > 0 ? [sql`delete from ${v.as} where ${v.by} = any(${removed}::text[])`] : []),
    ...(emptied.length > 0 ? [emptyBeings(sql, emptied)] : []),
    ...(neverStored.length > 0 ? [insertRemovedBeings(sql, neverStored)] : []),
    ...(inserted.length > 0 ? [insertBeings(sql, inserted.map(rowOf))] : []),
    ...ofEither(updated, isAround, {
      whole: (rows) => updateBeings(sql, rows.map(rowOf)),
      around: (rows) => updateBeingsAround(sql, rows.map(aroundOf)),
    }),
  ]
}

type MemberKey = readonly [SpaceId, BeingId]
const insertMembers = insertInto(members, ['space', 'being'], ['role'])
const updateMembers = updateOf(members, ['space', 'being'], ['role'])
const deleteMembers = deleteFrom(members, ['space', 'being'])

function storeMembers(sql: Sql, { inserted, updated, deleted }: Difference<MemberKey, Role>): Statement[] {
  const keyOf = ([space, being]: MemberKey) => ({ space, being })
  const rowOf = ([key, role]: [MemberKey, Role]) => ({ ...keyOf(key), role })
  return [
    ...(deleted.length > 0 ? [deleteMembers(sql, deleted.map(keyOf))] : []),
    ...(inserted.length > 0 ? [insertMembers(sql, inserted.map(rowOf))] : []),
    ...(updated.length > 0 ? [updateMembers(sql, updated.map(rowOf))] : []),
  ]
}

const updateInvites = updateOf(invites, ['id'], ['usesLeft'])

const storeInvites = (sql: Sql, updated: readonly (readonly [InviteId, OpenInvite])[]): Statement[] =>
  updated.length === 0
    ? []
    : [
        updateInvites(
          sql,
          updated.map(([id, { usesLeft }]) => ({ id, usesLeft })),
        ),
      ]

const insertChanges = insertInto(
  changesTable,
  ['space', 'epoch', 'version'],
  ['kind', 'actor', 'mutation', 'body', 'at'],
)

function storeChanges(sql: Sql, changes: readonly LoggedChange[]): Statement[] {
  if (changes.length === 0) return []
  const rows = changes.map(({ space, epoch, change }) => ({ space, epoch, ...change, at: timestampOf(change.at) }))
  return [insertChanges(sql, rows)]
}

const c = namesOf(changesTable, 'c')
const set = namesOf(changesTable)

/**
 * The words of removed intentions go from the log as well, whatever its epoch; changes of this very batch come without
 * them (@rhizom/domain). Stands on changes_with_words.
 */
function blankWords(sql: Sql, changes: readonly LoggedChange[]): Statement[] {
  const removed = changes.flatMap(({ space, change }) =>
    change.kind === 'intention.remove' ? [{ space, id: change.body.id }] : [],
  )
  if (removed.length === 0) return []
  const [inSpaces, ids] = [removed.map(({ space }) => space), removed.map(({ id }) => id)]
  return [
    sql`
      update ${c.as} set ${set.body} = case when ${c.kind} = 'intention.append'
        then jsonb_set(${c.body}, '{text}', to_jsonb(${BLANK}::text))
        else jsonb_set(${c.body} - 'former' - 'reason', '{content}', '[]') end
      from unnest(${inSpaces}::text[], ${ids}::text[]) as gone(space, id)
      where ${c.space} = gone.space and ${c.body} ->> 'id' = gone.id
        and ${c.kind} in ('intention.put', 'intention.append')`,
  ]
}
