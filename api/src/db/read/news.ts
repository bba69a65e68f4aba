/**
 * What is new to beings: how many intentions of others each of their spaces has after the version they read, and how
 * many of those mention them. Of a space the newest `LIMITS.maxUnread` after that version are looked at, so that what
 * this costs does not grow with the space; of a being the memberships and marks up to OWN_SPACES each, so that it does
 * not grow with what others do to it. Stands on intentions_by_position, and on the keys of members, reads and spaces.
 */
import {
  type BeingId,
  type InternalNewsAnswer,
  LIMITS,
  type News,
  type NewsAnswer,
  type SpaceId,
} from '@rhizom/protocol'
import type postgres from 'postgres'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, intentions, members, reads, spaces } from '../schema.ts'

const OWN_SPACES = 1000

const b = namesOf(beings, 'b')
const i = namesOf(intentions, 'i')
const m = namesOf(members, 'm')
const r = namesOf(reads, 'r')
const s = namesOf(spaces, 's')

interface NewsRow extends News {
  being: BeingId
  space: SpaceId
}

/** News of all spaces of each being, those that changed last. */
export async function readNews(sql: Sql, ids: readonly BeingId[]): Promise<Map<BeingId, NewsAnswer>> {
  const news = new Map<BeingId, NewsAnswer>(ids.map((id) => [id, { spaces: {}, hasMore: false }]))
  const rows = await sql<NewsRow[]>`
    select asked.being, listed.space, listed.version, counted.unread, counted.mentions
    from unnest(${[...ids]}::text[]) as asked (being)
    cross join lateral (
      select ${standing(sql)} from (
        (select ${m.space} as space from ${m.as} where ${m.being} = asked.being order by ${m.space} limit ${OWN_SPACES})
        union
        (select ${b.location} from ${b.as} where ${b.id} = asked.being and ${b.location} is not null)
        union
        (select ${r.space} from ${r.as} where ${r.being} = asked.being order by ${r.at} desc limit ${OWN_SPACES})
      ) own join ${s.as} on ${s.id} = own.space ${joinReader(sql)}
      where ${isOwnReadable(sql)}
      order by ${s.changedAt} desc, ${s.id} limit ${LIMITS.maxNewsSpaces + 1}) listed
    cross join lateral ${counted(sql)}`
  for (const { being, space, ...ofSpace } of rows) {
    const known = news.get(being)
    if (known === undefined) continue
    if (Object.keys(known.spaces).length < LIMITS.maxNewsSpaces) known.spaces[space] = ofSpace
    else known.hasMore = true
  }
  return news
}

type Pairs = Readonly<Record<SpaceId, readonly BeingId[]>>

/** News of some spaces for some beings, `null` where the space is none of the being's own. */
export async function readNewsOf(sql: Sql, asked: Pairs): Promise<InternalNewsAnswer['some']> {
  const pairs = Object.entries(asked).flatMap(([space, ids]) => ids.map((being) => ({ space, being })))
  const news: InternalNewsAnswer['some'] = {}
  for (const { space, being } of pairs) (news[space] ??= {})[being] = null
  if (pairs.length === 0) return news
  const [ids, inSpaces] = [pairs.map(({ being }) => being), pairs.map(({ space }) => space)]
  const rows = await sql<NewsRow[]>`
    select asked.being, listed.space, listed.version, counted.unread, counted.mentions
    from unnest(${ids}::text[], ${inSpaces}::text[]) as asked (being, space)
    cross join lateral (
      select ${standing(sql)} from ${s.as} ${joinReader(sql)} left join ${b.as} on ${b.id} = asked.being
      where ${s.id} = asked.space and ${isOwnReadable(sql)}
        and (${m.role} is not null or ${b.location} = ${s.id} or ${r.version} is not null)) listed
    cross join lateral ${counted(sql)}`
  for (const { being, space, ...ofSpace } of rows) (news[space] ??= {})[being] = ofSpace
  return news
}

/** Where a space stands, and after which version something is new to who asks. */
const standing = (sql: Sql): postgres.Fragment => sql`
  ${s.id} as space, ${s.version} as version, greatest(coalesce(${r.version}, 0), ${s.historyFrom}) as after`

/** The role and the mark of who asks, in a space. */
export const joinReader = (sql: Sql): postgres.Fragment => sql`
  left join ${m.as} on ${m.space} = ${s.id} and ${m.being} = asked.being
  left join ${r.as} on ${r.being} = asked.being and ${r.space} = ${s.id} and ${r.at} >= ${s.createdAt}`

/** As the table of rights (@rhizom/domain) says of reading. */
export const isOwnReadable = (sql: Sql): postgres.Fragment => sql`
  ${s.removedAt} is null and case when ${m.role} is null then ${s.visibility} = 'public' else ${m.role} <> 'banned' end`

const counted = (sql: Sql): postgres.Fragment => sql`(
  select count(*)::int as unread, (count(*) filter (where asked.being = any (newest.mentions)))::int as mentions
  from (
    select ${i.owner} as owner, ${i.mentions} as mentions from ${i.as}
    where ${i.location} = listed.space and ${i.position} > listed.after
    order by ${i.position} desc limit ${LIMITS.maxUnread}) newest
  where newest.owner <> asked.being) counted`
