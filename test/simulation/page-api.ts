/**
 * What pages ask over HTTP: the calls of the api, over the model of it, and streams of server-sent events, which are
 * connections to a gateway in other clothes (`gateway/src/server/event-stream.ts`).
 */
import {
  type BeingId,
  checkValue,
  LIMITS,
  type Mutation,
  mutationCheck,
  type MutationId,
  type MutationResult,
  parseClientLine,
  problemOf,
  type ProblemCode,
  type SpaceId,
} from '@rhizom/protocol'
import { decide, duplicateOf, type Outcome, type WorldReader } from '../../domain/src/index.ts'
import {
  closeEvent,
  eventsOf,
  helloLine,
  problemOfClose,
  readStreamQuery,
} from '../../gateway/src/core/connection/event-stream.ts'
import type { ApiModel } from './api-model.ts'
import type { Chance } from './chance.ts'
import { someBeing } from './client-node.ts'
import type { Network, NetworkClient } from './network.ts'
import type { PageLedger } from './page-ledger.ts'
import type { Weather } from './plan.ts'
import { mayReadAt } from './reference.ts'
import type { Entry, SpaceModel } from './space-model.ts'
import type { VirtualTime } from './virtual-time.ts'

export const API_URL = 'https://api'
export const SYNC_URL = 'wss://gateway/v1/sync'

export interface PageApiPorts {
  time: VirtualTime
  chance: Chance
  api: ApiModel
  network: Network
  ledger: PageLedger
  /** Whoever asks for changes after a position says so. */
  asksAfter(page: NetworkClient, space: SpaceId, epoch: string, after: number): void
  weather: () => Weather
}

interface Answer {
  status: number
  body: unknown
}

/** As many changes as one answer holds. */
const CHANGES_AT_ONCE = 40
const BAD_GATEWAY = 502
const NO_CLOSE_FRAME = 1006
const WELCOME = '{"type":"welcome"'

const ok = (body: unknown): Answer => ({ status: 200, body })
const problem = (code: ProblemCode, detail: string = code): Answer => {
  const body = problemOf(code, detail)
  return { status: body.status, body }
}
const gone = (): DOMException => new DOMException('let go of', 'AbortError')

export class PageApi {
  readonly #ports: PageApiPorts
  readonly #outcomes = new Map<MutationId, Outcome>()
  readonly #encoder = new TextEncoder()

  constructor(ports: PageApiPorts) {
    this.#ports = ports
  }

  /** The database came back without what came after a version. */
  restored(lost: readonly MutationId[]): void {
    for (const mutation of lost) this.#outcomes.delete(mutation)
    this.#ports.ledger.restored(lost)
  }

  fetch(page: NetworkClient, url: string, init: RequestInit, isStreamBlocked: boolean): Promise<Response> {
    const { pathname, search } = new URL(url)
    const signal = init.signal ?? new AbortController().signal
    const token = (new Headers(init.headers).get('authorization') ?? '').slice('Bearer '.length)
    if (!pathname.endsWith('/sse')) return this.#call(page, { path: pathname + search, init, token, signal })
    if (!isStreamBlocked) return this.#stream(page, search, token, signal)
    return page.gate.later(this.#ports.chance.int(5, 40), () => new Response('<h1>502</h1>', { status: BAD_GATEWAY }))
  }

  #call(
    page: NetworkClient,
    { path, init, token, signal }: { path: string; init: RequestInit; token: string; signal: AbortSignal },
  ): Promise<Response> {
    const { time, chance, api, weather } = this.#ports
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(gone()))
      void api
        .request(page.gate, () => this.#answer(page, path, init, token))
        .then((answer) => {
          // An answer may be lost after what was asked for was done.
          if (answer === undefined || chance.happens(weather().readFails)) return reject(new TypeError('fetch failed'))
          const headers = { date: new Date(time.now()).toUTCString(), 'content-type': 'application/json' }
          resolve(new Response(JSON.stringify(answer.body), { status: answer.status, headers }))
        })
    })
  }

  #answer(page: NetworkClient, path: string, init: RequestInit, token: string): Answer {
    const { time, api } = this.#ports
    const [being, expiry] = token.split(' ')
    if (being === undefined || expiry === undefined) return problem('not-authenticated')
    // One that has run out is renewed all the same: sessions that end are not what is simulated.
    if (path === '/v1/sessions/current/refresh') return ok({ ...api.issueToken(being), being: someBeing(being, null) })
    if (Number(expiry) <= time.now()) return problem('token-expired')
    if (path === '/v1/sessions/current') return ok({ being: someBeing(being, null), expiresAt: Number(expiry) })
    if (path === '/v1/mutations') return this.#postMutations(being, typeof init.body === 'string' ? init.body : '')
    const url = new URL(path, API_URL)
    const [, id, what] = /^\/v1\/spaces\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname) ?? []
    const space = id === undefined ? undefined : api.space(decodeURIComponent(id))
    if (space?.exists !== true || !mayReadAt(space.now, being)) return problem('not-found')
    if (what === 'presence') return ok({ here: [], hereCount: 0, frozen: false })
    if (what === undefined) return ok(space.snapshot())
    const after = Number(url.searchParams.get('after'))
    if (what === 'changes') this.#ports.asksAfter(page, space.id, url.searchParams.get('epoch') ?? '', after)
    const changes = space.changesAfter(url.searchParams.get('epoch') ?? '', after)?.slice(0, CHANGES_AT_ONCE)
    if (what !== 'changes' || changes === undefined) return problem('reset')
    const { epoch, version } = space.current
    return ok({ epoch, from: after, to: after + changes.length, head: version, changes })
  }

  #postMutations(being: BeingId, text: string): Answer {
    const body: unknown = JSON.parse(text)
    const given = typeof body === 'object' && body !== null && 'mutations' in body ? body.mutations : []
    const results: MutationResult[] = []
    for (const one of Array.isArray(given) ? given : []) {
      const checked = checkValue(mutationCheck, one)
      if (!checked.ok) return problem('malformed', checked.problem)
      results.push(this.#apply(being, checked.value))
    }
    return ok({ results })
  }

  #apply(being: BeingId, mutation: Mutation): MutationResult {
    const { ledger, api, time, chance, weather } = this.#ports
    const { id, space: name } = mutation
    ledger.reached(mutation)
    const former = this.#outcomes.get(id)
    if (former !== undefined) return duplicateOf(id, former)
    const space = api.space(name ?? '@nowhere')
    const context = { actor: being, at: time.now(), epoch: space.current.epoch }
    const decision = decide(readerOf(space), mutation, context, { maxContentBytes: LIMITS.maxContentBytes })
    const outcome: Outcome = decision.accepted
      ? { status: 'applied', version: space.current.version + decision.ops.length }
      : { status: 'rejected', error: decision.error }
    const result: MutationResult = { id, ...outcome }
    this.#outcomes.set(id, outcome)
    ledger.committed(id, result)
    if (decision.accepted) {
      const isSilent = chance.happens(weather().readFails / 4)
      const publish = isSilent ? 'never' : { afterMs: chance.int(0, 5) }
      api.commit(space, decision.ops.map(entryOf), { actor: being, mutation: id }, publish)
    }
    return result
  }

  #stream(page: NetworkClient, query: string, token: string, signal: AbortSignal): Promise<Response> {
    const asked = readStreamQuery(query, '')
    if (!asked.ok) return Promise.reject(new Error(asked.problem))
    for (const line of asked.lines) {
      const parsed = parseClientLine(line)
      if (!parsed.ok || parsed.value.type !== 'subscribe') continue
      const { space, epoch, after } = parsed.value
      if (epoch !== undefined && after !== undefined) this.#ports.asksAfter(page, space, epoch, after)
    }
    return new Promise((resolve, reject) => {
      let stream: ReadableStreamDefaultController<Uint8Array> | undefined
      const write = (text: string): void => stream?.enqueue(this.#encoder.encode(text))
      const socket = this.#ports.network.connect(page, {
        onOpen: () => socket.send([helloLine(token), ...asked.lines].join('\n')),
        onText: (text) => {
          if (stream === undefined && text.startsWith(WELCOME)) {
            const body = new ReadableStream<Uint8Array>({ start: (controller) => void (stream = controller) })
            resolve(new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } }))
          }
          write(eventsOf(text))
        },
        onClose: (code, reason) => {
          if (code === NO_CLOSE_FRAME) {
            const error = new TypeError('the connection ended')
            stream?.error(error)
            return reject(error)
          }
          write(closeEvent(code, reason))
          stream?.close()
          const answer = problem(problemOfClose(code), reason)
          resolve(new Response(JSON.stringify(answer.body), { status: answer.status }))
        },
      })
      signal.addEventListener('abort', () => {
        socket.close()
        stream?.error(gone())
        reject(gone())
      })
    })
  }
}

/** What deciding looks up, in the model of the database. */
function readerOf(space: SpaceModel): WorldReader {
  const { now } = space
  const is = (id: SpaceId): boolean => id === space.id && space.exists
  return {
    space: (id) => (is(id) ? space.snapshot().space : undefined),
    being: (id) => now.beings.get(id) ?? someBeing(id, null),
    intention: (id) => now.intentions.get(id),
    role: (id, being) => (is(id) ? now.members.get(being) : undefined),
    ownerCount: () => 1,
    membershipsOf: () => [],
    isTaken: () => false,
  }
}

type Decided = Extract<ReturnType<typeof decide>, { accepted: true }>['ops'][number]

/** Pages write intentions, and nothing else. */
function entryOf(op: Decided): Entry {
  switch (op.kind) {
    case 'intention.put':
      return { kind: op.kind, body: op.intention }
    case 'intention.append':
      return { kind: op.kind, body: { id: op.id, text: op.text } }
    case 'intention.remove':
      return { kind: op.kind, body: { id: op.id } }
    default:
      throw new Error(`nobody writes ${op.kind} here`)
  }
}
