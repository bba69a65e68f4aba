/**
 * All that a gateway asks of the api (protocol: internal.ts): reads, heads, removed beings, and that somebody was last
 * seen. Makes bytes for clients of a read, once for all who get them.
 * Checks what a gateway relies on; entities are forwarded as they came.
 */
import type { Trouble } from '@rhizom/process'
import {
  accessSchema,
  type Epoch,
  epochSchema,
  internalHeadsAnswerSchema,
  internalNewsAnswerSchema,
  internalRevokedAnswerSchema,
  type LastSeenBody,
  INSTALLATION_HEADER,
  NO_SUCH_SPACE,
  parseJson,
  type Position,
  type RevokedCursor,
  type SpaceId,
  versionSchema,
} from '@rhizom/protocol'
import { z } from 'zod'
import { readersOf } from '../core/feed/access.ts'
import type { HeldSnapshot, LogAnswer, ReadRequest } from '../core/feed/state.ts'
import { encodeRun, isLooseChange, type LooseChange } from '../core/feed/run.ts'
import { apiTrouble } from './trouble.ts'
import type { HeadsOutcome, ApiClient, LastSeenReport, NewsOutcome, ReadOutcome, RevokedOutcome } from '../ports.ts'

export interface ApiClientDeps {
  /** Base addresses of the api; the next is tried when one fails. */
  urls: readonly string[]
  internalToken: string
  timeoutMs: number
  /** Reads at a time; more wait. Keeps a gateway that just started from stampeding the api. */
  maxConcurrent: number
  /** Which installation answered. */
  installation(id: string): void
  /** How each question ended: with an answer, or with what kept the api from one. */
  asked(trouble: Trouble | undefined): void
}

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

const looseProblemSchema = z.looseObject({
  code: z.string(),
  path: z.string().optional(),
  retryAfterMs: z.int().optional(),
})

interface Question {
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

const MAX_SPACES_PER_POLL = 10_000

type Reply =
  | { type: 'answered'; body: unknown }
  | { type: 'missing' }
  | { type: 'failed'; problem: string; retryAfterMs: number | undefined }

const failure = (problem: string, retryAfterMs?: number): Reply & ReadOutcome => ({
  type: 'failed',
  problem,
  retryAfterMs,
})

export function createApiClient(settings: ApiClientDeps): ApiClient & { lastSeen: LastSeenReport } {
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
        const outcome = headsOutcome(await ask('/internal/heads', posting(asked)))
        if (outcome.type === 'failed') return outcome
        for (const [space, position] of outcome.heads) heads.set(space, position)
      }
      return { type: 'answered', heads }
    },
    lastSeen: async (beings) => {
      const body: LastSeenBody = { beings: [...beings] }
      return (await ask('/internal/last-seen', posting(body))).type === 'answered'
    },
    news: async (question) => newsOutcome(await ask('/internal/news', posting(question))),
    revoked: async (cursor) => revokedOutcome(await ask(revokedPath(cursor), { method: 'GET' })),
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

/** Frames name a space by its id; the space itself travels as `entity`. The end is left open for the roster. */
function encodeSnapshot(
  space: SpaceId,
  snapshot: { space: Record<string, unknown>; epoch: Epoch; version: number },
): HeldSnapshot {
  const { space: entity, ...rest } = snapshot
  const frame = JSON.stringify({ type: 'snapshot', space, ...rest, entity })
  return {
    epoch: snapshot.epoch,
    version: snapshot.version,
    body: new TextEncoder().encode(frame.slice(0, -1)),
  }
}

function headsOutcome(reply: Reply): HeadsOutcome {
  if (reply.type !== 'answered')
    return { type: 'failed', problem: reply.type === 'missing' ? 'no such path' : reply.problem }
  const parsed = internalHeadsAnswerSchema.safeParse(reply.body)
  if (!parsed.success) return { type: 'failed', problem: 'an answer that is not understood' }
  return { type: 'answered', heads: new Map(Object.entries(parsed.data.heads)) }
}

function revokedOutcome(reply: Reply): RevokedOutcome {
  if (reply.type !== 'answered')
    return { type: 'failed', problem: reply.type === 'missing' ? 'no such path' : reply.problem }
  const parsed = internalRevokedAnswerSchema.safeParse(reply.body)
  return parsed.success
    ? { type: 'answered', ...parsed.data }
    : { type: 'failed', problem: 'an answer that is not understood' }
}

function newsOutcome(reply: Reply): NewsOutcome {
  if (reply.type !== 'answered')
    return { type: 'failed', problem: reply.type === 'missing' ? 'no such path' : reply.problem }
  const parsed = internalNewsAnswerSchema.safeParse(reply.body)
  return parsed.success
    ? { type: 'answered', answer: parsed.data }
    : { type: 'failed', problem: 'an answer that is not understood' }
}

/** Asks the api, a bounded number of times at once, moving on to the next address after a failure. */
function createAsk(settings: ApiClientDeps): (path: string, question: Question) => Promise<Reply> {
  const { urls, internalToken, timeoutMs, maxConcurrent, installation, asked } = settings
  const turns: (() => void)[] = []
  let running = 0
  let current = 0
  const request = async (path: string, { headers, ...question }: Question): Promise<Reply> => {
    const used = current
    const url = urls[used % urls.length] ?? ''
    const {
      reply,
      trouble,
      installation: id,
    } = await fetchJson(url, path, {
      ...question,
      headers: { ...headers, authorization: `Bearer ${internalToken}` },
      signal: AbortSignal.timeout(timeoutMs),
    })
    asked(trouble)
    if (id !== undefined) installation(id)
    if (reply.type === 'failed' && current === used) current = used + 1
    return reply
  }
  return async (path, question) => {
    if (running >= maxConcurrent) await new Promise<void>((resolve) => turns.push(resolve))
    else running++
    try {
      return await request(path, question)
    } finally {
      const next = turns.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

interface Asked {
  reply: Reply
  trouble?: Trouble
  installation?: string | undefined
}

async function fetchJson(base: string, path: string, init: RequestInit): Promise<Asked> {
  try {
    const response = await fetch(`${base}${path}`, init)
    const text = await response.text()
    const body = parseJson(z.unknown(), text)
    const installation = response.headers.get(INSTALLATION_HEADER) ?? undefined
    if (response.ok && body.ok) return { reply: { type: 'answered', body: body.value }, installation }
    const { status } = response
    const problem = looseProblemSchema.safeParse(body.ok ? body.value : undefined).data
    if (status === 404 && problem?.code === 'not-found' && problem.path === NO_SUCH_SPACE)
      return { reply: { type: 'missing' }, installation }
    return {
      reply: failure(`${status} ${problem?.code ?? 'and no problem document'}`, problem?.retryAfterMs),
      trouble: apiTrouble({ base, status, code: problem?.code }),
    }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''
    return { reply: failure(`${String(error)}${cause}`), trouble: apiTrouble({ base, error }) }
  }
}
