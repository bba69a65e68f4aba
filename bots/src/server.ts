/**
 * The api as a bot uses it: plain HTTP, each answer checked. A mutation is sent again under its id until there is an
 * answer, so that it is applied once or not at all.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '@rhizom/machine'
import {
  type Intention,
  type Mutation,
  type MutationResult,
  parseJson,
  postMutationsAnswerSchema,
  postSessionAnswerSchema,
  problemSchema,
  type Snapshot,
  snapshotSchema,
  type SpaceId,
  workAnswerSchema,
} from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import type { z } from 'zod'
import type { Answered } from './answered.ts'
import { httpCaller } from './http-caller.ts'
import type { BotSession } from './ports.ts'
import { type SharedRequests, shareRequests } from './shared-requests.ts'

export type Said = Pick<Snapshot, 'intentions' | 'beings'>

/** A mutation without its id, which is made here. */
export type Wanted = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id'> : never) : never

export interface Server {
  work(limit: number, signal: AbortSignal): Promise<Answered<Intention[]>>
  /** Asked again for a while where nobody answers. */
  snapshot(space: SpaceId, signal: AbortSignal): Promise<Answered<Snapshot>>
  /** What was said before an intention, and by whom; asked again for a while as well. */
  saidBefore(intention: Intention, signal: AbortSignal): Promise<Answered<Said>>
  /** Undefined if the signal said stop before there was an answer. */
  mutate(wanted: readonly Wanted[], signal: AbortSignal): Promise<MutationResult[] | undefined>
  /** Before the token has run out. */
  refresh(signal: AbortSignal): Promise<Answered<BotSession>>
  /** At any later time. */
  renew(renewal: string, signal: AbortSignal): Promise<Answered<BotSession>>
}

const BACKOFF = { minMs: 50, baseMs: 200, maxMs: 5_000 }
const PATIENCE_MS = 10_000
/** A minute and more, the waits growing. */
const READ_TRIES = 20
const saidSchema = snapshotSchema.pick({ intentions: true, beings: true })

export function createServer(apiUrl: string, token: () => string): Server {
  const base = apiUrl.replace(/\/+$/, '')
  const http = httpCaller()

  async function call<S extends z.ZodType>(
    method: 'GET' | 'POST',
    path: string,
    schema: S,
    signal: AbortSignal,
    body?: string,
  ): Promise<Answered<z.output<S>>> {
    try {
      const json = body === undefined ? {} : { 'content-type': 'application/json' }
      const { status, text } = await http(`${base}${path}`, {
        ...{ method, signal, withinMs: PATIENCE_MS },
        headers: { authorization: `Bearer ${token()}`, ...json },
        body,
      })
      if (status < 200 || status > 299) return refused(status, text)
      const parsed = parseJson(schema, text)
      return parsed.ok ? { ok: true, value: parsed.value } : nothing('not-understood')
    } catch {
      // Whatever kept it from being answered, the same may be asked again.
      return nothing('unreachable')
    }
  }

  /** An api node that is being restarted is no reason to give a question up. */
  async function insist<T>(ask: () => Promise<Answered<T>>, signal: AbortSignal): Promise<Answered<T>> {
    for (let failures = 0; ; failures += 1) {
      const answer = await ask()
      if (answer.ok || !answer.mayBeAskedAgain || signal.aborted || failures === READ_TRIES) return answer
      await pause(failures, answer.afterMs, signal)
    }
  }

  async function send(mutations: string, signal: AbortSignal): Promise<Answered<MutationResult[]>> {
    const body = `{"mutations":${mutations}}`
    const answer = await call('POST', '/v1/mutations', postMutationsAnswerSchema, signal, body)
    return answer.ok ? { ok: true, value: answer.value.results } : answer
  }
  const shared = shareRequests(send)
  const alone: SharedRequests = {
    ask: (mutations, signal) => shareRequests(send).ask(mutations, signal),
  }

  return {
    async work(limit, signal) {
      const answer = await call('GET', `/v1/work?limit=${limit}`, workAnswerSchema, signal)
      return answer.ok ? { ok: true, value: answer.value.work } : answer
    },
    snapshot: (space, signal) => insist(() => call('GET', `/v1/spaces/${space}`, snapshotSchema, signal), signal),
    saidBefore: ({ id, location }, signal) =>
      insist(() => call('GET', `/v1/spaces/${location}/intentions?before=${id}`, saidSchema, signal), signal),
    refresh: (signal) => call('POST', '/v1/sessions/current/refresh', postSessionAnswerSchema, signal, '{}'),
    renew: (renewal, signal) =>
      call('POST', '/v1/sessions/renew', postSessionAnswerSchema, signal, JSON.stringify({ renewal })),
    async mutate(wanted, signal) {
      const mutations: Mutation[] = wanted.map((one) => ({ id: uuidv7(), ...one }))
      // What went wrong once is asked again alone, whatever the fault of others in the same request was.
      for (let failures = 0; !signal.aborted; failures += 1) {
        const requests = failures === 0 ? shared : alone
        const { answer, isShared } = await requests.ask(mutations, signal)
        if (answer === 'stopped') return undefined
        if (answer.ok) return answer.value
        if (!answer.mayBeAskedAgain && !isShared) throw new Error(`the api refused: ${answer.code}`)
        await pause(failures, answer.afterMs, signal)
      }
      return undefined
    },
  }
}

/** Ends early when the signal says stop: whoever waits looks. */
const pause = (failures: number, afterMs: number, signal: AbortSignal): Promise<void> =>
  sleep(backoffMs(BACKOFF, failures, Math.random(), afterMs), undefined, { signal }).catch(() => undefined)

const nothing = (code: string): Answered<never> => ({ ok: false, code, mayBeAskedAgain: true, afterMs: 0 })

function refused(status: number, text: string): Answered<never> {
  const problem = parseJson(problemSchema, text)
  const code = problem.ok ? problem.value.code : `status-${status}`
  const afterMs = problem.ok ? (problem.value.retryAfterMs ?? 0) : 0
  // A token that has run out is being renewed meanwhile.
  const mayBeAskedAgain = status >= 500 || status === 429 || status === 408 || code === 'token-expired'
  return { ok: false, code, mayBeAskedAgain, afterMs }
}
