/**
 * POST /v1/mutations and GET /v1/mutations/{id}. A batch is cut into parts by space, in order of first appearance;
 * each part is one unit of group commit, and the next begins when the former is committed, unless they are apart.
 */
import type { TokenHolder } from '@rhizom/process'
import {
  type Mutation,
  type MutationResult,
  mutationParamsSchema,
  mutationResultSchema,
  postMutationsAnswerSchema,
  postMutationsBodySchema,
  type SpaceId,
} from '@rhizom/protocol'
import type { Unit } from '../db/write/commit.ts'
import { isThere } from '../db/read/sessions.ts'
import { findOutcome } from '../db/write/ledger.ts'
import { mayShare } from '../db/write/lock-scope.ts'
import { take, takeHere } from './afford.ts'
import { beingGone, requireBeing, requireSession, sessionOf } from './authenticate.ts'
import { batchSizeOf, type BatchLimits, checkBatch } from './batch-limits.ts'
import { letOthersRun } from './large-body.ts'
import { ProblemError } from './problem-reply.ts'
import { listMade, overQuota } from './quotas.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'
import { oneAfterTheOther, together } from './together.ts'
import { refusalsOf } from './unreadable-space.ts'

export function registerMutations(app: HttpApp, services: Services): void {
  const { accounts, config, database, metrics, tokens } = services
  const limits: BatchLimits = {
    mutations: config.MAX_MUTATIONS_PER_BATCH,
    argumentBytes: config.MAX_CONTENT_BYTES,
  }

  app.route({
    method: 'POST',
    url: '/v1/mutations',
    bodyLimit: config.MAX_BODY_BYTES,
    onRequest: requireSession(tokens),
    // What is refused is counted, and the schema sees only what is within the limits.
    preValidation: async (request) => {
      const account = sessionOf(request).being
      // What it stored is paid for afterwards, and waited for here.
      await take(accounts, [
        { budget: 'mutations', account, cost: Math.min(batchSizeOf(request.body), limits.mutations) },
        { budget: 'stored-bytes', account, cost: 0 },
      ])
      const bytes = request.holding?.bytes ?? 0
      await letOthersRun(bytes)
      checkBatch(request.body, limits)
      await letOthersRun(bytes)
    },
    schema: {
      summary: 'Apply mutations, each at most once by its id',
      security: [{ session: [] }],
      body: postMutationsBodySchema,
      response: { 200: postMutationsAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { mutations } = request.body
      const results = await applyParts(services, sessionOf(request), mutations)
      for (const [index, { status }] of results.entries())
        metrics.mutations.inc({ name: mutations[index]?.name ?? 'unknown', status })
      return { results }
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/mutations/:id',
    onRequest: requireSession(tokens),
    preHandler: requireBeing(database),
    schema: {
      summary: 'What became of a mutation of the caller',
      security: [{ session: [] }],
      params: mutationParamsSchema,
      response: { 200: mutationResultSchema, ...problems },
    },
    handler: async (request): Promise<MutationResult> => {
      const id = request.params.id.toLowerCase()
      const outcome = await database.use((sql) => findOutcome(sql, sessionOf(request).being, id))
      if (outcome === undefined) throw new ProblemError('not-found', 'no outcome of such a mutation of the caller')
      return { id, ...outcome }
    },
  })
}

async function applyParts(
  services: Services,
  holder: TokenHolder,
  mutations: readonly Mutation[],
): Promise<MutationResult[]> {
  const results = new Map<Mutation, MutationResult>()
  const apply = async (space: SpaceId | null, part: readonly Mutation[]): Promise<void> => {
    const refused =
      space === null ? await mustBeThere(services, holder) : await refusalsOf(services, holder, space, part)
    // Only who may know of the space is told that it was written to more than it may.
    if (refused === undefined && space !== null)
      takeHere(services.accounts, [{ budget: 'space-bytes', account: space, cost: 0 }])
    const over = refused === undefined ? await overQuota(services, holder, space, part) : NOTHING
    for (const [mutation, result] of over) results.set(mutation, result)
    const left = part.filter((mutation) => !over.has(mutation))
    const decided = refused ?? (await applyPart(services.writes, space, { actor: holder.being, mutations: left }))
    for (const [index, mutation] of left.entries()) {
      const result = decided[index]
      if (result !== undefined) results.set(mutation, result)
      if (space !== null && mutation.name === 'space.create' && result?.status === 'applied')
        await listMade(services, holder, space)
    }
  }
  const parts = [...partsOf(mutations)].map(
    ([space, part]) =>
      () =>
        apply(space, part),
  )
  // What concerns intentions has nothing to do with other spaces, and shares a transaction with them.
  await (mutations.every(mayShare) ? together(parts) : oneAfterTheOther(parts))
  return mutations.map((mutation) => {
    const result = results.get(mutation)
    if (result === undefined) throw new Error(`no result for ${mutation.id}`)
    return result
  })
}

const NOTHING: ReadonlyMap<Mutation, MutationResult> = new Map()

async function mustBeThere({ database }: Services, { being, session }: TokenHolder): Promise<undefined> {
  if (!(await database.use((sql) => isThere(sql, being, session)))) throw beingGone()
}

async function applyPart(writes: Services['writes'], space: SpaceId | null, unit: Unit): Promise<MutationResult[]> {
  if (unit.mutations.length === 0) return []
  const outcome = await writes.submit(space, unit)
  switch (outcome.status) {
    case 'decided':
      return outcome.results
    case 'actor-gone':
      throw beingGone()
    default:
      return outcome satisfies never
  }
}

function partsOf(mutations: readonly Mutation[]): Map<SpaceId | null, Mutation[]> {
  const parts = new Map<SpaceId | null, Mutation[]>()
  for (const mutation of mutations) {
    const part = parts.get(mutation.space)
    if (part === undefined) parts.set(mutation.space, [mutation])
    else part.push(mutation)
  }
  return parts
}
