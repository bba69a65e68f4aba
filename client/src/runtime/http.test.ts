import { expect, test } from 'vitest'
import { manualEnvironment } from '../testing/manual-environment.ts'
import { problem, ScriptedServer } from '../testing/scripted-server.ts'
import { createHttp, createSession } from './http.ts'
import { acceptInvite } from './invites.ts'

function anApi() {
  const server = new ScriptedServer()
  const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  const http = createHttp(
    { environment, apiUrl: 'http://rhizom.test' },
    {
      token: () => 'token-1',
      noteLeftOut: () => undefined,
    },
  )
  return { server, environment, http }
}

test('C60 a problem document becomes a value with its code', async () => {
  const { server, http } = anApi()
  server.route('GET /v1/spaces', () => ({ status: 429, body: problem(429, 'rate-limited', { retryAfterMs: 700 }) }))
  expect(await http.listSpaces()).toEqual({
    ok: false,
    problem: {
      code: 'rate-limited',
      message: 'It is rate-limited.',
      path: undefined,
      retry: 'later',
      retryAfterMs: 700,
    },
  })
})

test('C60 a proxy that answers in its own words is understood by its status', async () => {
  const { server, http } = anApi()
  server.route('GET /v1/spaces', () => ({ status: 502, body: 'Bad gateway', headers: { 'retry-after': '2' } }))
  expect(await http.listSpaces()).toMatchObject({
    ok: false,
    problem: { code: 'unavailable', retry: 'later', retryAfterMs: 2000 },
  })
})

test('C60 an answer of another shape is a problem and no crash', async () => {
  const { server, http } = anApi()
  server.route('GET /v1/spaces', () => ({ status: 200, body: { spaces: 'many' } }))
  expect(await http.listSpaces()).toMatchObject({ ok: false, problem: { code: 'not-understood' } })
})

test('C60 a network that fails is a problem that waiting helps', async () => {
  const { server, environment } = anApi()
  server.route('POST /v1/sessions', () => 'fail')
  expect(await createSession({ environment, apiUrl: 'http://rhizom.test' }, { name: 'Ada' })).toMatchObject({
    ok: false,
    problem: { code: 'network', retry: 'later' },
  })
})

test('C60 a server that never answers is given up', async () => {
  const { server, environment, http } = anApi()
  server.route(
    'GET /v1/spaces',
    (_body, _url, { signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
      }),
  )
  const result = http.listSpaces()
  await environment.advance(15_000)
  expect(await result).toMatchObject({
    ok: false,
    problem: { code: 'network', message: expect.stringContaining('in time') },
  })
})

test('C60 each call carries the token and names its path', async () => {
  const { server, http } = anApi()
  await http.olderIntentions('@lobby', '0195e0c0-0000-7000-8000-000000000001')
  await http.mutationOutcome('0195e0c0-0000-7000-8000-000000000002')
  await http.beings(['@ada', '@bob'])
  await http.currentSession()
  expect(server.requests.map(({ path }) => path)).toEqual([
    '/v1/spaces/@lobby/intentions',
    '/v1/mutations/0195e0c0-0000-7000-8000-000000000002',
    '/v1/beings',
    '/v1/sessions/current',
  ])
  expect(server.requests.every(({ authorization }) => authorization === 'Bearer token-1')).toBe(true)
})

test('C60 an invite is accepted in the name of the session, and one that is none is a problem', async () => {
  const { server, http } = anApi()
  server.route('POST /v1/invites/accept', () => ({ status: 200, body: { space: '@garden', version: 8 } }))
  expect(await acceptInvite(http, 'good')).toEqual({ ok: true, value: { space: '@garden', version: 8 } })
  server.route('POST /v1/invites/accept', () => ({ status: 404, body: problem(404, 'not-found') }))
  expect(await acceptInvite(http, 'bad')).toMatchObject({ ok: false, problem: { code: 'not-found', retry: 'never' } })
})
