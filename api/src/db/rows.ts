/**
 * Rows as the database gives them and the entities they stand for. What a row holds is said by the schema; here is
 * which of its columns an entity is made of. A row has the protocol's names and needs only its times turned into
 * milliseconds.
 */
import { type PlacedIntention, unplaced } from '@rhizom/domain'
import { appendText, type Being, type Change, type Intention, type Member, type Space } from '@rhizom/protocol'
import type { Sql } from './database.ts'
import { namesOf, type RowOf, selectedFrom } from './names.ts'
import { fieldsOf } from './query.ts'
import { beings, changes, intentions, members, spaces } from './schema.ts'

const SPACE = ['id', 'name', 'visibility', 'posting', 'historyFrom', 'epoch', 'version', 'createdAt'] as const
const BEING = [
  ...(['id', 'type', 'name', 'owner', 'location', 'metadata', 'properties', 'content', 'rev'] as const),
  ...(['createdAt', 'modifiedAt', 'lastSeenAt'] as const),
] as const
const AROUND_WORDS = [
  ...(['id', 'type', 'state', 'owner', 'location', 'rev', 'position', 'createdAt', 'modifiedAt'] as const),
  ...(['replyTo', 'attempt', 'reason', 'claimBy', 'claimFence', 'claimUntil', 'leaseMs', 'chain'] as const),
] as const
const INTENTION = [...AROUND_WORDS, 'content', 'tail', 'former', 'base'] as const
const MEMBER = ['space', 'being', 'role'] as const

/** Times are text in rows that came as JSON (write/load-world.ts). */
type Told<Row> = { [Key in keyof Row]: Extract<Row[Key], Date> extends never ? Row[Key] : Row[Key] | string }
const msOf = (time: Date | string): number => (typeof time === 'string' ? Date.parse(time) : time.getTime())

export type SpaceRow = Told<RowOf<typeof spaces, typeof SPACE>>
export type BeingRow = Told<RowOf<typeof beings, typeof BEING>>
export type IntentionRow = Told<RowOf<typeof intentions, typeof INTENTION>>
export type MemberRow = RowOf<typeof members, typeof MEMBER>

const i = namesOf(intentions, 'i')

/** The kind of a change says what its body is, which no column can. */
type Timed<C> = C extends Change ? Omit<C, 'at'> & { at: Date } : never
export type ChangeRow = Timed<Change>

/** To be selected by a query of the builder. */
export const spaceFields = fieldsOf(spaces, SPACE)
export const beingFields = fieldsOf(beings, BEING)
export const memberFields = fieldsOf(members, MEMBER)

/** To be selected, in SQL, from the tables under these names: s, b, i, c, m. */
export const spaceColumns = selectedFrom(spaces, 's', SPACE)
export const beingColumns = selectedFrom(beings, 'b', BEING)
export const intentionColumns = selectedFrom(intentions, 'i', INTENTION)
export const columnsAroundWords = selectedFrom(intentions, 'i', AROUND_WORDS)
/** What an intention weighs, of the table under the name i. */
export const weightOfIntention = (sql: Sql) => sql`${i.bytes} + octet_length(${i.tail})`
export const changeColumns = selectedFrom(changes, 'c', ['version', 'kind', 'at', 'actor', 'mutation', 'body'])
export const memberColumns = selectedFrom(members, 'm', MEMBER)

export const spaceOf = (row: SpaceRow): Space => ({ ...row, createdAt: msOf(row.createdAt) })

export const beingOf = (row: BeingRow): Being => ({
  ...row,
  createdAt: msOf(row.createdAt),
  modifiedAt: msOf(row.modifiedAt),
  lastSeenAt: row.lastSeenAt === null ? null : msOf(row.lastSeenAt),
})

/** What is there for few is left out where it is not; `replyTo` and `claim` are told always. */
export function placedIntentionOf(row: IntentionRow): PlacedIntention {
  const { claimBy, claimFence, claimUntil, reason, former, leaseMs, base, tail, content, ...rest } = row
  const isClaimed = claimBy !== null && claimFence !== null && claimUntil !== null
  return {
    ...rest,
    content: tail === '' ? content : appendText(content, tail),
    createdAt: msOf(row.createdAt),
    modifiedAt: msOf(row.modifiedAt),
    claim: isClaimed ? { by: claimBy, fence: claimFence, until: msOf(claimUntil) } : null,
    ...(reason === null ? {} : { reason }),
    ...(former === null ? {} : { former }),
    ...(leaseMs === null ? {} : { leaseMs }),
    ...(base === null ? {} : { base }),
  }
}

export const intentionOf = (row: IntentionRow): Intention => unplaced(placedIntentionOf(row))

export const memberOf = ({ being, role }: MemberRow): Member => ({ being, role })

export const changeFromRow = (row: ChangeRow): Change => ({ ...row, at: row.at.getTime() })
