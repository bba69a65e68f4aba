/**
 * Rows as the database gives them and the entities they stand for. What a row holds is said by the schema; here is
 * which of its columns an entity is made of. A row has the protocol's names and needs only its times turned into
 * milliseconds.
 */
import { type PlacedIntention, unplaced } from '@rhizom/domain'
import type { Being, Change, Intention, Member, Space } from '@rhizom/protocol'
import { type RowOf, selectedFrom } from './names.ts'
import { fieldsOf } from './query.ts'
import { beings, changes, intentions, members, spaces } from './schema.ts'

const SPACE = ['id', 'name', 'visibility', 'posting', 'historyFrom', 'epoch', 'version', 'createdAt'] as const
const BEING = [
  ...(['id', 'type', 'name', 'owner', 'location', 'metadata', 'properties', 'content', 'rev'] as const),
  ...(['createdAt', 'modifiedAt', 'lastSeenAt'] as const),
] as const
const INTENTION = [
  ...(['id', 'type', 'state', 'owner', 'location', 'content', 'rev', 'position'] as const),
  ...(['createdAt', 'modifiedAt'] as const),
  ...(['replyTo', 'attempt', 'reason', 'former', 'claimBy', 'claimFence', 'claimUntil'] as const),
  ...(['leaseMs', 'base', 'chain'] as const),
] as const
const MEMBER = ['space', 'being', 'role'] as const

export type SpaceRow = RowOf<typeof spaces, typeof SPACE>
export type BeingRow = RowOf<typeof beings, typeof BEING>
export type IntentionRow = RowOf<typeof intentions, typeof INTENTION>
export type MemberRow = RowOf<typeof members, typeof MEMBER>

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
export const changeColumns = selectedFrom(changes, 'c', ['version', 'kind', 'at', 'actor', 'mutation', 'body'])
export const memberColumns = selectedFrom(members, 'm', MEMBER)

export const spaceOf = (row: SpaceRow): Space => ({ ...row, createdAt: row.createdAt.getTime() })

export const beingOf = (row: BeingRow): Being => ({
  ...row,
  createdAt: row.createdAt.getTime(),
  modifiedAt: row.modifiedAt.getTime(),
  lastSeenAt: row.lastSeenAt?.getTime() ?? null,
})

/** What is there for few is left out where it is not; `replyTo` and `claim` are told always. */
export function placedIntentionOf(row: IntentionRow): PlacedIntention {
  const { claimBy, claimFence, claimUntil, reason, former, leaseMs, base, ...rest } = row
  const isClaimed = claimBy !== null && claimFence !== null && claimUntil !== null
  return {
    ...rest,
    createdAt: row.createdAt.getTime(),
    modifiedAt: row.modifiedAt.getTime(),
    claim: isClaimed ? { by: claimBy, fence: claimFence, until: claimUntil.getTime() } : null,
    ...(reason === null ? {} : { reason }),
    ...(former === null ? {} : { former }),
    ...(leaseMs === null ? {} : { leaseMs }),
    ...(base === null ? {} : { base }),
  }
}

export const intentionOf = (row: IntentionRow): Intention => unplaced(placedIntentionOf(row))

export const memberOf = ({ being, role }: MemberRow): Member => ({ being, role })

export const changeFromRow = (row: ChangeRow): Change => ({ ...row, at: row.at.getTime() })
