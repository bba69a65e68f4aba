/**
 * All that a gateway asks of the api (protocol: internal.ts): reads, heads, removed beings, and that somebody was last
 * seen. Makes bytes for clients of a read, once for all who get them.
 * Checks what a gateway relies on; entities are forwarded as they came.
 */
import {
  accessSchema,
  type Epoch,
  epochSchema,
  internalHeadsAnswerSchema,
  internalNewsAnswerSchema,
  internalRevokedAnswerSchema,
  type LastSeenBody,
  type Position,
  type RevokedCursor,
  type SpaceId,
  versionSchema,
} from '@rhizom/protocol'
import { z } from 'zod'
import { readersOf } from '../core/feed/access.ts'
import { openFrame } from '../core/feed/open-frame.ts'
import type { HeldSnapshot, LogAnswer, ReadRequest } from '../core/feed/state.ts'
import { encodeRun, isLooseChange, type LooseChange } from '../core/feed/run.ts'
import { type AskDeps, createAsk, failure, type Question, type Reply } from './ask.ts'
import type { ApiClient, LastSeenReport, ReadOutcome } from '../ports.ts'

const looseChangeSchema = z.custom<LooseChange>(isLooseChange)

/** `InternalRead` of the protocol, with entities left as they are. */
export const looseReadSchema = z.object({
  access: accessSchema,
  epoch: epochSchema,
  version: versionSchema,
  catchUp: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('changes'), from: versionSchema, changes: z.array(looseChangeSchema) }),
    z.object({
      kind: z.literal('snapshot'),
      snapshot: z.looseObject({ space: z.looseObject({}), epoch: epochSchema, version: versionSchema }),
    }),
  ]),
})
type LooseRead = z.infer<typeof looseReadSchema>

const MAX_SPACES_PER_POLL = 10_000

export function createApiClient(settings: AskDeps): ApiClient & { lastSeen: LastSeenReport } {
  const ask = createAsk(settings)
  return {
    read: async (space, request) => {
      const reply = await ask(`/internal/spaces/${encodeURIComponent(space)}${queryOf(request)}`, { method: 'GET' })
      if (reply.type !== 'answered') return reply
      const parsed = looseReadSchema.safeParse(reply.body)
      return parsed.success ? readOutcome(space, request, parsed.data) : failure('an answer that is not understood')
    },
    heads: async (spaces) => {
      const heads = new Map<SpaceId, Position>()
      for (let at = 0; at < spaces.length || at === 0; at += MAX_SPACES_PER_POLL) {
        const asked = { spaces: spaces.slice(at, at + MAX_SPACES_PER_POLL) }
        const outcome = understood(await ask('/internal/heads', posting(asked)), internalHeadsAnswerSchema)
        if (outcome.type === 'failed') return outcome
        for (const [space, position] of Object.entries(outcome.answer.heads)) heads.set(space, position)
      }
      return { type: 'answered', heads }
    },
    lastSeen: async (beings) => {
      const body: LastSeenBody = { beings: [...beings] }
      return (await ask('/internal/last-seen', posting(body))).type === 'answered'
    },
    news: async (question) => understood(await ask('/internal/news', posting(question)), internalNewsAnswerSchema),
    revoked: async (cursor) => {
      const outcome = understood(await ask(revokedPath(cursor), { method: 'GET' }), internalRevokedAnswerSchema)
      return outcome.type === 'failed' ? outcome : { type: 'answered', ...outcome.answer }
    },
  }
}

const posting = (body: unknown): Question => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

const revokedPath = ({ since, after }: RevokedCursor): string =>
  `/internal/revoked?since=${since}${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`

const queryOf = ({ after }: ReadRequest): string =>
  after === undefined ? '' : `?epoch=${after.epoch}&after=${after.version}`

function readOutcome(space: SpaceId, { after }: ReadRequest, read: LooseRead): ReadOutcome {
  const { epoch, version, catchUp } = read
  const base = { epoch, version, readers: readersOf(read.access) }
  if (catchUp.kind === 'snapshot') {
    const { snapshot } = catchUp
    if (snapshot.epoch !== epoch || snapshot.version !== version) return failure('a snapshot of another moment')
    const answer: LogAnswer = { ...base, catchUp: { kind: 'snapshot', snapshot: encodeSnapshot(space, snapshot) } }
    return { type: 'answered', answer }
  }
  const { from, changes } = catchUp
  const isWhole = changes.every((change, index) => change.version === from + index + 1)
  if (after?.epoch !== epoch || after.version !== from || from + changes.length !== version || !isWhole)
    return failure('changes that do not reach from the position to the version')
  const run = changes.length === 0 ? undefined : encodeRun(space, epoch, from, changes)
  return { type: 'answered', answer: { ...base, catchUp: { kind: 'changes', from, run } } }
}

/** Frames name a space by its id; the space itself travels as `entity`. */
function encodeSnapshot(
  space: SpaceId,
  snapshot: { space: Record<string, unknown>; epoch: Epoch; version: number },
): HeldSnapshot {
  const { space: entity, ...rest } = snapshot
  const frame = JSON.stringify({ type: 'snapshot', space, ...rest, entity })
  return { epoch: snapshot.epoch, version: snapshot.version, frame: openFrame(frame) }
}

function understood<Answer>(
  reply: Reply,
  schema: z.ZodType<Answer>,
): { type: 'answered'; answer: Answer } | { type: 'failed'; problem: string } {
  if (reply.type !== 'answered')
    return { type: 'failed', problem: reply.type === 'missing' ? 'no such path' : reply.problem }
  const parsed = schema.safeParse(reply.body)
  return parsed.success
    ? { type: 'answered', answer: parsed.data }
    : { type: 'failed', problem: 'an answer that is not understood' }
}
