/** Calls the api as a stranger would: fetch, bearer token, plain JSON. */
import type { Being, MutationResult } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'

export interface Answer<T> {
  status: number
  body: T
  headers: Headers
}

/** One HTTP call. `body` is sent as JSON; the answer's body is parsed if it is JSON. */
export async function call<T = unknown>(
  api: string,
  method: string,
  path: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Answer<T>> {
  const response = await fetch(`${api}${path}`, {
    method,
    signal: AbortSignal.timeout(options.timeoutMs ?? 30_000),
    headers: {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  return { status: response.status, body: (isJson ? JSON.parse(text) : text) as T, headers: response.headers }
}

/** A session: who speaks, and where. */
export interface Session {
  token: string
  being: Being
}

export async function signIn(api: string, name: string, id?: string): Promise<Session> {
  const answer = await call<Session>(api, 'POST', '/v1/sessions', {
    body: { name, ...(id === undefined ? {} : { id }) },
  })
  if (answer.status !== 201) throw new Error(`no session: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

export interface MutationInput {
  id?: string
  space: string | null
  name: string
  args: Record<string, unknown>
}

/** Posts mutations; ids are made where none is given. */
export function mutate(
  api: string,
  token: string,
  ...mutations: MutationInput[]
): Promise<Answer<{ results: MutationResult[] }>> {
  return call(api, 'POST', '/v1/mutations', {
    token,
    body: { mutations: mutations.map((mutation) => ({ id: uuidv7(), ...mutation })) },
  })
}

/** Posts mutations that must all be applied. */
export async function apply(api: string, token: string, ...mutations: MutationInput[]): Promise<MutationResult[]> {
  const answer = await mutate(api, token, ...mutations)
  const { results } = answer.body
  if (answer.status !== 200 || results.some((result) => result.status !== 'applied'))
    throw new Error(`not applied: ${answer.status} ${JSON.stringify(answer.body)}`)
  return results
}

/** The mutation that says something in a space. */
export const utterance = (space: string, text: string, id = uuidv7()): MutationInput => ({
  space,
  name: 'intention.create',
  args: { id, type: 'utterance', content: [text], state: 'complete' },
})

let unique = 0
/** An id nobody else uses, also not a test that runs beside this one. */
export const freshId = (prefix: string): string => {
  unique += 1
  return `@${prefix}-${process.pid.toString(36)}-${Date.now().toString(36)}-${unique}`
}
