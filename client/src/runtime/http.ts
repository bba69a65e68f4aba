/**
 * The calls to the api, checked as the protocol's schemas say. What goes wrong is a value: `problem`
 * is what the server said, with its code and whether waiting helps; a network that fails or an answer that is not
 * understood become problems of the same form, so that callers have one kind of failure to think about.
 */
import {
  type BeingsAnswer,
  beingsAnswerCheck,
  checkJson,
  checkValue,
  currentSessionAnswerCheck,
  type IntentionsAnswer,
  intentionsAnswerCheck,
  type ListSpacesAnswer,
  listSpacesAnswerCheck,
  type Mutation,
  type MutationResult,
  mutationResultCheck,
  type Parsed,
  type PostSessionAnswer,
  postMutationsAnswerCheck,
  postSessionAnswerCheck,
  problemCheck,
  type PutReadAnswer,
  putReadAnswerCheck,
  type SignInCode,
  type SpaceId,
} from '@rhizom/protocol'
import { type LeftOut, readAnswer } from '../core/incoming.ts'
import type { Environment } from './environment.ts'
import { byDeviceDate } from './storage.ts'
import { TookTooLong, within } from './within.ts'

export interface HttpProblem {
  /** A code of the protocol, or `network` (no answer) or `not-understood` (an answer of another kind). */
  code: string
  message: string
  /** Where in the request the fault is. */
  path: string | undefined
  /** Whether the same request can succeed later. */
  retry: 'later' | 'never'
  /** How long the server wants to be left alone; 0 if it did not say. */
  retryAfterMs: number
}

export type HttpResult<T> = { ok: true; value: T } | { ok: false; problem: HttpProblem }

const REQUEST_TIMEOUT_MS = 15_000

interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  token: string | undefined
  body?: unknown
}

const NOTHING: Parsed<undefined> = { ok: true, value: undefined }

/** Reads a successful answer. */
type Read<T> = (text: string, headers: Headers) => Parsed<T>

async function call<T>({ environment, apiUrl }: HttpTarget, request: Request, read: Read<T>): Promise<HttpResult<T>> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (request.token !== undefined) headers['authorization'] = `Bearer ${request.token}`
  if (request.body !== undefined) headers['content-type'] = 'application/json'
  const patience = new AbortController()
  const ask = async () => {
    const response = await environment.fetch(apiUrl + request.path, {
      method: request.method,
      headers,
      signal: patience.signal,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    })
    return { response, text: await response.text() }
  }
  try {
    const { response, text } = await within(environment, REQUEST_TIMEOUT_MS, ask)
    if (!response.ok) return { ok: false, problem: problemOf(response.status, text, response.headers) }
    const parsed = read(text, response.headers)
    return parsed.ok ? parsed : { ok: false, problem: notUnderstood(response.status, parsed.problem) }
  } catch (error) {
    const message =
      error instanceof TookTooLong ? 'The server did not answer in time.' : 'The server cannot be reached.'
    return { ok: false, problem: { code: 'network', message, path: undefined, retry: 'later', retryAfterMs: 0 } }
  } finally {
    // What is still under way is not waited for any more.
    patience.abort()
  }
}

function problemOf(status: number, text: string, headers: Headers): HttpProblem {
  const parsed = checkJson(problemCheck, text)
  const headerSeconds = Number(headers.get('retry-after') ?? 0)
  const headerMs = Number.isFinite(headerSeconds) ? Math.max(0, headerSeconds) * 1000 : 0
  if (!parsed.ok) {
    // Something in between (a proxy, a firewall, a page to sign in to the network) answers in its own words and knows
    // nothing of what was asked: whatever its status, the server has not refused it.
    const code = status >= 500 ? 'unavailable' : 'not-understood'
    const message = `The server answered ${status}.`
    return { code, message, path: undefined, retry: 'later', retryAfterMs: headerMs }
  }
  const { code, detail, path, retryAfterMs } = parsed.value
  return {
    code,
    message: detail,
    path,
    retry: retryByStatus(parsed.value.status),
    retryAfterMs: retryAfterMs ?? headerMs,
  }
}

/** As the table of the protocol has it for each code, and so also for one of a newer server. */
const retryByStatus = (status: number): 'later' | 'never' =>
  status >= 500 || status === 429 || status === 408 ? 'later' : 'never'

/** An answer of success that no schema fits: what it was about may well have happened. */
const notUnderstood = (status: number, fault: string): HttpProblem => ({
  code: 'not-understood',
  message: `The server answered ${status} in a way that was not understood: ${fault}`,
  path: undefined,
  retry: 'later',
  retryAfterMs: 0,
})

export interface HttpTarget {
  environment: Pick<Environment, 'fetch' | 'after' | 'dateMs'>
  /** Without a trailing slash; empty for the page's own origin. */
  apiUrl: string
}

/** Puts what the server says expires at a time by its own date by the date of this device. */
const dated =
  <T extends { expiresAt: number }>({ environment }: HttpTarget, read: (text: string) => Parsed<T>): Read<T> =>
  (text, headers) => {
    const parsed = read(text)
    const serverMs = Date.parse(headers.get('date') ?? '')
    if (!parsed.ok || Number.isNaN(serverMs)) return parsed
    return { ok: true, value: byDeviceDate(parsed.value, serverMs, environment.dateMs()) }
  }

const datedSession = (target: HttpTarget): Read<PostSessionAnswer> =>
  dated(target, (text) => checkJson(postSessionAnswerCheck, text))

/** As a new guest, or as whom an issuer of the server vouches for: by a JWT of it, or a code that it gave the page. */
export type WayIn = { name: string; id?: string } | { assertion: string } | { code: SignInCode }

/** Begins a session. A taken `id` is the problem `taken`. */
export function createSession(target: HttpTarget, body: WayIn): Promise<HttpResult<PostSessionAnswer>> {
  const request: Request = { method: 'POST', path: '/v1/sessions', token: undefined, body }
  return call(target, request, datedSession(target))
}

/** A fresh token, and the next renewal, for a renewal. */
export function renewSession(target: HttpTarget, renewal: string): Promise<HttpResult<PostSessionAnswer>> {
  const request: Request = { method: 'POST', path: '/v1/sessions/renew', token: undefined, body: { renewal } }
  return call(target, request, datedSession(target))
}

export interface HttpDeps {
  token(): string
  /** Told what was left out of an answer. */
  noteLeftOut(leftOut: readonly LeftOut[]): void
}

/** The api on behalf of one session. */
export function createHttp(target: HttpTarget, { token, noteLeftOut }: HttpDeps) {
  const get = <T>(path: string, read: Read<T>) => call(target, { method: 'GET', path, token: token() }, read)
  const post = <T>(path: string, body: unknown, read: Read<T>) =>
    call(target, { method: 'POST', path, token: token(), body }, read)
  /** Lists may hold what this client does not know. */
  const list =
    <T>(read: (json: unknown) => Parsed<T>): Read<T> =>
    (text) => {
      const { answer, leftOut } = readAnswer(text, read)
      noteLeftOut(leftOut)
      return answer
    }
  return {
    /** Asks what none of the others does, in the name of the session. */
    ask: <T>(method: Request['method'], path: string, body: unknown, read: Read<T>): Promise<HttpResult<T>> =>
      call(target, { method, path, token: token(), body }, read),
    currentSession: () =>
      get(
        '/v1/sessions/current',
        dated(target, (text) => checkJson(currentSessionAnswerCheck, text)),
      ),
    /** A fresh token for the same being, by the token; once that is not good any more, by the renewal. */
    refreshSession: (renewal?: string): Promise<HttpResult<PostSessionAnswer>> =>
      renewal === undefined
        ? post('/v1/sessions/current/refresh', {}, datedSession(target))
        : renewSession(target, renewal),
    /** Ends the session, everywhere. */
    endSession: () => call(target, { method: 'DELETE', path: '/v1/sessions/current', token: token() }, () => NOTHING),
    /** The spaces this session may read, a page at a time. */
    listSpaces: (cursor?: string): Promise<HttpResult<ListSpacesAnswer>> =>
      get(
        withQuery('/v1/spaces', { cursor }),
        list((json) => checkValue(listSpacesAnswerCheck, json)),
      ),
    /** Intentions older than `before`, oldest first, with their authors. */
    olderIntentions: (space: SpaceId, before?: string): Promise<HttpResult<IntentionsAnswer>> =>
      get(
        withQuery(`/v1/spaces/${encodeURIComponent(space)}/intentions`, { before }),
        list((json) => checkValue(intentionsAnswerCheck, json)),
      ),
    /** Up to 100 beings by their ids; unknown ones are missing from the answer. */
    beings: (ids: readonly string[]): Promise<HttpResult<BeingsAnswer>> =>
      get(
        withQuery('/v1/beings', { ids: ids.join(',') }),
        list((json) => checkValue(beingsAnswerCheck, json)),
      ),
    /** Marks a space read up to a version; what is new after it. */
    markRead: (space: SpaceId, version: number): Promise<HttpResult<PutReadAnswer>> =>
      call(
        target,
        {
          ...{ method: 'PUT', path: `/v1/spaces/${encodeURIComponent(space)}/read` },
          ...{ token: token(), body: { version } },
        },
        (text) => checkJson(putReadAnswerCheck, text),
      ),
    postMutations: (mutations: readonly Mutation[]) =>
      post('/v1/mutations', { mutations }, (text) => checkJson(postMutationsAnswerCheck, text)),
    /** What became of a mutation; the problem `not-found` if it was never applied. */
    mutationOutcome: (id: string): Promise<HttpResult<MutationResult>> =>
      get(`/v1/mutations/${encodeURIComponent(id)}`, (text) => checkJson(mutationResultCheck, text)),
  }
}

export type Http = ReturnType<typeof createHttp>

function withQuery(path: string, query: Record<string, string | undefined>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}
