/** Invites that are open. Stands on their key, on invites_by_space and on the primary keys of spaces and members. */
import type { OpenInvite } from '@rhizom/domain'
import type { BeingId, Invite, InviteId, Role, Space, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf, type RowOf, selectedFrom } from '../names.ts'
import { invites, members, spaces } from '../schema.ts'

const n = namesOf(invites, 'n')
const s = namesOf(spaces, 's')
const m = namesOf(members, 'm')
const o = namesOf(members, 'o')

const OPEN = ['id', 'space', 'role', 'by', 'usesLeft', 'expiresAt'] as const
const LISTED = [...OPEN, 'uses', 'createdAt'] as const

type Listed = RowOf<typeof invites, typeof LISTED>
/** Times are text in rows that came as JSON (write/load-world.ts). */
type OpenRow = Omit<RowOf<typeof invites, typeof OPEN>, 'expiresAt'> & { expiresAt: Date | string }
export type { OpenRow as OpenInviteRow }

/** To be selected, in SQL, from invites under the name n. */
export const openInviteColumns = selectedFrom(invites, 'n', OPEN)
export const listedInviteColumns = selectedFrom(invites, 'n', LISTED)

export const openInviteOf = ({ expiresAt, ...row }: OpenRow): OpenInvite => ({
  ...row,
  expiresAt: typeof expiresAt === 'string' ? Date.parse(expiresAt) : expiresAt.getTime(),
})

export const inviteOf = ({ createdAt, expiresAt, ...row }: Listed): Invite => ({
  ...row,
  createdAt: createdAt.getTime(),
  expiresAt: expiresAt.getTime(),
})

/** What somebody shows, with what decides its worth; undefined where there is none with that secret. */
export interface FoundInvite {
  invite: OpenInvite
  space: Pick<Space, 'visibility' | 'posting'>
  held: Role | undefined
  ofMaker: Role | undefined
  at: number
}

export async function findInvite(
  sql: Sql,
  id: InviteId,
  secret: string,
  actor: BeingId,
): Promise<FoundInvite | undefined> {
  type Row = OpenRow & Pick<FoundInvite['space'], 'visibility'> & Required<Pick<FoundInvite['space'], 'posting'>>
  const [row] = await sql<(Row & { held: Role | null; ofMaker: Role | null; at: Date })[]>`
    select ${openInviteColumns}, ${s.visibility} as visibility, ${s.posting} as posting,
      ${m.role} as held, ${o.role} as "ofMaker", clock_timestamp() as at
    from ${n.as} join ${s.as} on ${s.id} = ${n.space} and ${s.removedAt} is null
    left join ${m.as} on ${m.space} = ${n.space} and ${m.being} = ${actor}
    left join ${o.as} on ${o.space} = ${n.space} and ${o.being} = ${n.by}
    where ${n.id} = ${id} and ${n.secret} = ${secret}`
  if (row === undefined) return undefined
  const { visibility, posting, held, ofMaker, at, ...invite } = row
  return {
    invite: openInviteOf(invite),
    space: { visibility, posting },
    held: held ?? undefined,
    ofMaker: ofMaker ?? undefined,
    at: at.getTime(),
  }
}

/** Those of a space that have not ended, the latest first. */
export async function listInvites(sql: Sql, space: SpaceId): Promise<Invite[]> {
  const rows = await sql<Listed[]>`
    select ${listedInviteColumns} from ${n.as} where ${n.space} = ${space} and ${n.expiresAt} > clock_timestamp()
    order by ${n.createdAt} desc, ${n.id}`
  return rows.map(inviteOf)
}

export async function placeOfInvite(sql: Sql, id: InviteId): Promise<SpaceId | undefined> {
  const [row] = await sql<{ space: SpaceId }[]>`select ${n.space} as space from ${n.as} where ${n.id} = ${id}`
  return row?.space
}
