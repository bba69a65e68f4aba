/** The few HTTP calls of the load test. Anything but the expected answer throws, except where a writer retries. */
import http, { type RefinedResponse } from 'k6/http'
import type { Mutation } from './wire.ts'

type Answer = RefinedResponse<'text'>

export const headersOf = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
})

/** The body, where it is text. */
export const textOf = ({ body }: { body: unknown }): string => (typeof body === 'string' ? body : '')

function expectStatus(answer: Answer, status: number, what: string): Answer {
  if (answer.status === status) return answer
  throw new Error(`${what}: ${answer.status} ${answer.error} ${answer.body.slice(0, 300)}`)
}

function textAt(answer: Answer, path: string): string {
  const value = answer.json(path)
  if (typeof value === 'string') return value
  throw new Error(`no ${path} in ${answer.body.slice(0, 300)}`)
}

export interface Session {
  token: string
  being: string
}

/** Opens sessions, several at a time. */
export function openSessions(api: string, names: readonly string[]): Session[] {
  const answers = http.batch(
    names.map((name) => ({
      method: 'POST',
      url: `${api}/v1/sessions`,
      body: JSON.stringify({ name }),
      params: { headers: { 'content-type': 'application/json' } },
    })),
  )
  return Object.values(answers).map((answer) => {
    expectStatus(answer, 201, 'POST /v1/sessions')
    return { token: textAt(answer, 'token'), being: textAt(answer, 'being.id') }
  })
}

export const postMutations = (api: string, token: string, mutations: readonly Mutation[]): Answer =>
  http.post(`${api}/v1/mutations`, JSON.stringify({ mutations }), headersOf(token))

/** Posts a mutation that has to be applied. */
export function apply(api: string, token: string, mutation: Mutation): void {
  const answer = expectStatus(postMutations(api, token, [mutation]), 200, mutation.name)
  const status = answer.json('results.0.status')
  if (status !== 'applied') throw new Error(`${mutation.name}: ${answer.body}`)
}

export interface SpacePlace {
  id: string
  epoch: string
  version: number
}

export function readSpace(api: string, token: string, id: string): SpacePlace {
  const answer = expectStatus(http.get(`${api}/v1/spaces/${id}`, headersOf(token)), 200, `GET ${id}`)
  return { id, epoch: textAt(answer, 'epoch'), version: Number(answer.json('version')) }
}

/** The mutations behind the versions after a place, in order, as the log has them now. */
export async function readLog(api: string, token: string, place: SpacePlace): Promise<string[]> {
  const mutations: string[] = []
  for (;;) {
    const after = place.version + mutations.length
    const url = `${api}/v1/spaces/${place.id}/changes?epoch=${place.epoch}&after=${after}&limit=1000`
    const answer = expectStatus(await http.asyncRequest('GET', url, null, headersOf(token)), 200, url)
    const page = answer.json('changes.#.mutation')
    if (Array.isArray(page)) mutations.push(...page.map(String))
    if (after >= Number(answer.json('head')) || !Array.isArray(page) || page.length === 0) return mutations
  }
}
