/**
 * The intentions that a batch concerns, under the lock of their space. Of those that it only appends to, what they say
 * stays where it is, as far as unread.ts allows.
 */
import type { PlacedIntention } from '@rhizom/domain'
import type { IntentionId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { columnsAroundWords, intentionColumns, type IntentionRow, placedIntentionOf } from '../rows.ts'
import { intentions } from '../schema.ts'
import { type Appended, MAX_TAIL_BYTES } from './unread.ts'

const i = namesOf(intentions, 'i')

/** `unread…` is there where the content is not. */
export type LoadedIntentionRow = IntentionRow & { unreadLength?: number | null; unreadBytes?: number | null }

/** Places that no append names. */
const [ANYWHERE, READ_ANYWAY] = ['-1', '-2']

/** Stands on the primary key. */
export function readIntentions(
  sql: Sql,
  concerned: ReadonlySet<IntentionId>,
  appended: ReadonlyMap<IntentionId, Appended>,
) {
  const ids = [...concerned]
  if (appended.size === 0) return sql`select ${intentionColumns} from ${i.as} where ${i.id} = any(${ids}::uuid[])`
  const pieces = ids.map((id) => appended.get(id))
  const places = pieces.map((piece) => (piece === undefined ? READ_ANYWAY : `${piece.at ?? ANYWHERE}`))
  const bytes = pieces.map((piece) => `${piece?.bytes ?? 0}`)
  return sql`
    select ${columnsAroundWords}, case when not p.is_over then ${i.tail} else '' end as tail,
      case when not p.is_over then ${i.content} else '[]' end as content,
      case when not p.is_over then ${i.former} end as former, case when not p.is_over then ${i.base} end as base,
      case when p.is_over then ${i.nextAt} end as "unreadLength",
      case when p.is_over then ${i.contentBytes} end as "unreadBytes"
    from unnest(${ids}::uuid[], ${places}::text[]::bigint[], ${bytes}::text[]::bigint[]) as a(id, place, bytes)
    join ${i.as} on ${i.id} = a.id
    cross join lateral (
      select ${i.nextAt} is not null and a.place in (${ANYWHERE}::bigint, ${i.nextAt})
        and octet_length(${i.tail}) + a.bytes <= ${MAX_TAIL_BYTES} as is_over) p`
}

export function loadedIntentionOf({ unreadLength, unreadBytes, ...row }: LoadedIntentionRow): PlacedIntention {
  const placed = placedIntentionOf(row)
  if (typeof unreadLength !== 'number' || typeof unreadBytes !== 'number') return placed
  return { ...placed, unread: { length: unreadLength, bytes: unreadBytes } }
}
