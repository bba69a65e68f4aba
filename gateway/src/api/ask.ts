/**
 * Asks the api, a bounded number of times at once, moving on to the next one after a failure. An api is asked where it
 * answered last; until it has answered, and when nothing of it is there any more, at its other address as well.
 */
import type { Trouble } from '@rhizom/process'
import { INSTALLATION_HEADER, NO_SUCH_SPACE, parseJson } from '@rhizom/protocol'
import { z } from 'zod'
import type { ReadOutcome } from '../ports.ts'
import type { ApiPlace } from './internal-places.ts'
import { type ApiFailure, apiTrouble } from './trouble.ts'

export interface AskDeps {
  places: readonly ApiPlace[]
  internalToken: string
  timeoutMs: number
  /** Reads at a time; more wait. Keeps a gateway that just started from stampeding the api. */
  maxConcurrent: number
  /** Which installation answered. */
  installation(id: string): void
  /** How each question ended: with an answer, or with what kept the api from one. */
  asked(trouble: Trouble | undefined): void
}

export interface Question {
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

export type Reply =
  | { type: 'answered'; body: unknown }
  | { type: 'missing' }
  | { type: 'failed'; problem: string; retryAfterMs: number | undefined }

export const failure = (problem: string, retryAfterMs?: number): Reply & ReadOutcome => ({
  type: 'failed',
  problem,
  retryAfterMs,
})

const looseProblemSchema = z.looseObject({
  code: z.string(),
  path: z.string().optional(),
  retryAfterMs: z.int().optional(),
})

export function createAsk({ places, timeoutMs, maxConcurrent, internalToken, installation, asked }: AskDeps) {
  const found = places.map((place) => new FoundApi(place, timeoutMs))
  const turns: (() => void)[] = []
  let running = 0
  let current = 0
  const request = async (path: string, { headers, ...question }: Question): Promise<Reply> => {
    const used = current
    const api = found[used % found.length]
    if (api === undefined) throw new Error('there is no api to ask')
    const withToken = { ...question, headers: { ...headers, authorization: `Bearer ${internalToken}` } }
    const { reply, failed, installation: id } = await api.ask(path, withToken)
    asked(failed === undefined ? undefined : apiTrouble(failed))
    if (id !== undefined) installation(id)
    if (reply.type === 'failed' && current === used) current = used + 1
    return reply
  }
  return async (path: string, question: Question): Promise<Reply> => {
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
  failed?: ApiFailure
  installation?: string | undefined
}

/** One api, and at which of its addresses it answers. */
class FoundApi {
  readonly #place: ApiPlace
  readonly #timeoutMs: number
  #likely = 0
  #hasAnswered = false

  constructor(place: ApiPlace, timeoutMs: number) {
    this.#place = place
    this.#timeoutMs = timeoutMs
  }

  async ask(path: string, init: RequestInit): Promise<Asked> {
    const first = this.#likely
    const asked = await this.#askAt(first, path, init)
    const { addresses } = this.#place
    const isElsewhere = asked.failed !== undefined && (isNothingThere(asked.failed) || !this.#hasAnswered)
    if (!isElsewhere || addresses.length === 1) {
      this.#hasAnswered ||= asked.failed === undefined
      return asked
    }
    const other = (first + 1) % addresses.length
    if (isLate(asked.failed)) {
      // Whoever asked has waited long enough.
      this.#likely = other
      return asked
    }
    const second = await this.#askAt(other, path, init)
    if (second.failed === undefined) {
      this.#likely = other
      this.#hasAnswered = true
      return second
    }
    return moreTelling(first < other ? [asked, second] : [second, asked])
  }

  async #askAt(index: number, path: string, init: RequestInit): Promise<Asked> {
    const base = this.#place.addresses[index] ?? this.#place.addresses[0]
    const { variable } = this.#place
    try {
      const response = await fetch(`${base}${path}`, { ...init, signal: AbortSignal.timeout(this.#timeoutMs) })
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
        failed: { variable, base, status, code: problem?.code },
      }
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''
      return { reply: failure(`${String(error)}${cause}`), failed: { variable, base, error } }
    }
  }
}

const isLate = (failed: ApiFailure | undefined): boolean =>
  failed !== undefined && 'error' in failed && failed.error instanceof Error && failed.error.name === 'TimeoutError'

/** Nothing of an api: a refused connection, another server, or the public port, which knows no such path. */
const isNothingThere = (failed: ApiFailure): boolean =>
  'error' in failed ? !isLate(failed) : failed.code === undefined || failed.status === 404

/** Of two failures, at the internal address and at the public one: what an api says of its own before all else. */
const moreTelling = ([internal, open]: readonly [Asked, Asked]): Asked =>
  internal.failed !== undefined && !isNothingThere(internal.failed) ? internal : open
