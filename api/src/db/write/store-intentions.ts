/**
 * Writes intentions that a batch changed: whole where their words changed, around those where they did not, and at the
 * end of those where words were only appended (unread.ts).
 */
import { mentionsIn, type PlacedIntention, type World } from '@rhizom/domain'
import type { IntentionId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { deleteFrom, insertInto, updateOf } from '../names.ts'
import { intentions } from '../schema.ts'
import { timestampOf } from '../timestamp.ts'
import type { Difference } from './difference.ts'
import { ofEither, type Statement } from './statements.ts'
import { growthOf, sizesOf } from './unread.ts'

const AROUND_WORDS = [
  ...(['state', 'rev', 'modifiedAt', 'attempt', 'reason'] as const),
  ...(['claimBy', 'claimFence', 'claimUntil', 'leaseMs'] as const),
] as const
const CHANGING = [...AROUND_WORDS, 'content', 'former', 'base', 'mentions'] as const
const SIZES = ['nextAt', 'contentBytes'] as const
/** Kept of one intention: whoever names more calls nobody by it. */
const MAX_MENTIONS = 100
const insertIntentions = insertInto(
  intentions,
  ['id'],
  [...CHANGING, ...SIZES, 'type', 'owner', 'location', 'position', 'createdAt', 'replyTo', 'chain'],
)
const updateIntentions = updateOf(intentions, ['id'], [...CHANGING, ...SIZES, 'tail'])
const appendToIntentions = updateOf(intentions, ['id'], ['rev', 'modifiedAt', 'claimUntil', 'nextAt', 'contentBytes'], {
  tail: (held, given) => `${held} || ${given}`,
})
const updateIntentionsAround = updateOf(intentions, ['id'], AROUND_WORDS)
const deleteIntentions = deleteFrom(intentions, ['id'])

export function storeIntentions(
  sql: Sql,
  before: World,
  { inserted, updated, deleted }: Difference<IntentionId, PlacedIntention>,
): Statement[] {
  const rowOf = ([id, placed]: [IntentionId, PlacedIntention]) => {
    const { type, owner, location, position, createdAt, replyTo, chain = 0 } = placed
    const created = {
      ...{ type, owner, location, position, chain },
      ...{ createdAt: timestampOf(createdAt), replyTo: replyTo ?? undefined },
    }
    return { ...changingOf([id, placed]), ...created, ...sizesOf(placed.content) }
  }
  const changingOf = ([id, placed]: [IntentionId, PlacedIntention]) => {
    const { content, former, base } = placed
    return {
      ...aroundOf([id, placed]),
      content,
      former,
      base,
      mentions: [...mentionsIn(content)].slice(0, MAX_MENTIONS),
    }
  }
  const aroundOf = ([id, placed]: [IntentionId, PlacedIntention]) => {
    const { state, rev, modifiedAt, attempt = 1, reason, claim, leaseMs } = placed
    return {
      ...{ id, state, rev, modifiedAt: timestampOf(modifiedAt), attempt },
      // What is missing is null in the row: most have none of these, and each would be written and read in vain.
      ...{ reason, leaseMs, claimBy: claim?.by, claimFence: claim?.fence },
      claimUntil: claim ? timestampOf(claim.until) : undefined,
    }
  }
  const wholeOf = ([id, placed]: [IntentionId, PlacedIntention]) => ({
    ...changingOf([id, placed]),
    ...{ tail: '', ...sizesOf(placed.content) },
  })
  const [grown, others] = [updated.flatMap(grownIn), updated.filter(([, { unread }]) => unread === undefined)]
  const isAround = ([id, { content, former, base }]: [IntentionId, PlacedIntention]): boolean => {
    const held = before.intentions.get(id)
    return held?.content === content && held.former === former && held.base === base
  }
  return [
    ...(deleted.length > 0
      ? [
          deleteIntentions(
            sql,
            deleted.map((id) => ({ id })),
          ),
        ]
      : []),
    ...(inserted.length > 0 ? [insertIntentions(sql, inserted.map(rowOf))] : []),
    ...(grown.length > 0 ? [appendToIntentions(sql, grown)] : []),
    ...ofEither(others, isAround, {
      whole: (rows) => updateIntentions(sql, rows.map(wholeOf)),
      around: (rows) => updateIntentionsAround(sql, rows.map(aroundOf)),
    }),
  ]
}

function grownIn([id, placed]: [IntentionId, PlacedIntention]) {
  const { rev, modifiedAt, claim, unread } = placed
  if (unread === undefined) return []
  const claimUntil = claim ? timestampOf(claim.until) : undefined
  return [{ id, rev, modifiedAt: timestampOf(modifiedAt), claimUntil, ...growthOf(placed, unread) }]
}
