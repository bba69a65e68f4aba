/**
 * Rows as the database gives them and the entities they stand for. Column lists are written out once here, with the
 * protocol's names, so that a row needs only its times turned into milliseconds.
 */
import type { PlacedIntention } from '@rhizom/domain'
import type { Being, Change, Content, Intention, JsonObject, Member, Role, Space, Visibility } from '@rhizom/protocol'
import type { Sql } from './database.ts'

export interface SpaceRow {
  id: string
  name: string
  visibility: Visibility
  epoch: string
  version: number
  createdAt: Date
}

export interface BeingRow {
  id: string
  type: Being['type']
  name: string
  owner: string | null
  location: string | null
  metadata: JsonObject
  properties: JsonObject
  content: Content
  rev: number
  createdAt: Date
  modifiedAt: Date
  lastSeenAt: Date | null
}

export interface IntentionRow {
  id: string
  type: Intention['type']
  state: Intention['state']
  owner: string
  location: string
  content: Content
  rev: number
  position: number
  createdAt: Date
  modifiedAt: Date
}

type Timed<C> = C extends Change ? Omit<C, 'at'> & { at: Date } : never
export type ChangeRow = Timed<Change>

export interface MemberRow {
  space: string
  being: string
  role: Role
}

export const spaceColumns = (sql: Sql) =>
  sql`s.id, s.name, s.visibility, s.epoch, s.version, s.created_at as "createdAt"`

export const beingColumns = (sql: Sql) => sql`
  b.id, b.type, b.name, b.owner, b.location, b.metadata, b.properties, b.content, b.rev,
  b.created_at as "createdAt", b.modified_at as "modifiedAt", b.last_seen_at as "lastSeenAt"`

export const intentionColumns = (sql: Sql) => sql`
  i.id, i.type, i.state, i.owner, i.location, i.content, i.rev, i.position,
  i.created_at as "createdAt", i.modified_at as "modifiedAt"`

export const changeColumns = (sql: Sql) => sql`c.version, c.kind, c.at, c.actor, c.mutation, c.body`

export const spaceOf = (row: SpaceRow): Space => ({ ...row, createdAt: row.createdAt.getTime() })

export const beingOf = (row: BeingRow): Being => ({
  ...row,
  createdAt: row.createdAt.getTime(),
  modifiedAt: row.modifiedAt.getTime(),
  lastSeenAt: row.lastSeenAt?.getTime() ?? null,
})

export const placedIntentionOf = (row: IntentionRow): PlacedIntention => ({
  ...row,
  createdAt: row.createdAt.getTime(),
  modifiedAt: row.modifiedAt.getTime(),
})

export function intentionOf(row: IntentionRow): Intention {
  const { position: _position, ...intention } = placedIntentionOf(row)
  return intention
}

export const memberOf = ({ being, role }: MemberRow): Member => ({ being, role })

export const changeOf = (row: ChangeRow): Change => ({ ...row, at: row.at.getTime() })
