/**
 * Whatever is thrown where one request is served, that request gets an answer, one line is written, and nobody else
 * notices: no exception and no rejection gets past the wall around it.
 */
import { eventually } from '@rhizom/kit/eventually.ts'
import { problemSchema } from '@rhizom/protocol'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../config.ts'
import { type ApiNode, createNode } from '../node.ts'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { Peer } from '@rhizom/kit/peer.ts'
import { INTERNAL_TOKEN, startApi, TOKEN_SECRET } from '../testing/test-api.ts'

let database: FreshDatabase
let node: ApiNode
let url: string
let internalUrl: string
const lines: string[] = []
const escaped: unknown[] = []
const catchEscaped = (thrown: unknown): void => void escaped.push(thrown)

/** What handlers and hooks of ours would never do, and may do all the same one day. */
const thrown: Record<string, unknown> = {
  error: new Error('a fault'),
  'range-error': new RangeError('Maximum call stack size exceeded'),
  text: 'a text',
  nothing: undefined,
  null: null,
  number: 7,
  'error-of-a-library': Object.assign(new Error('its own matter'), { statusCode: 404, status: 404 }),
  'with-bad-parts': Object.assign(new Error('a fault'), { statusCode: 'x', code: 7, validation: 3, cause: null }),
  'without-prototype': Object.create(null),
}

beforeAll(async () => {
  process.on('uncaughtException', catchEscaped)
  process.on('unhandledRejection', catchEscaped)
  database = await freshDatabase()
  const parsed = parseConfig({
    PORT: '0',
    INTERNAL_PORT: '0',
    DATABASE_URL: database.url,
    REDIS_URL: process.env['TEST_REDIS_URL'],
    TOKEN_SECRET,
    INTERNAL_TOKEN,
  })
  if (!parsed.ok) throw new Error(parsed.problem)
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(...String(chunk).trimEnd().split('\n'))
      done()
    },
  })
  node = await createNode(parsed.config, pino({ level: 'info' }, sink))
  const { app } = node
  for (const [name, value] of Object.entries(thrown)) {
    app.get(`/v1/broken/handler/${name}`, () => {
      throw value
    })
    app.get(`/v1/broken/async-handler/${name}`, async () => {
      await Promise.resolve()
      throw value
    })
    app.get(`/v1/broken/later/${name}`, (_request, reply) => {
      // As a callback would.
      setImmediate(() => void reply.send(value instanceof Error ? value : new Error('a fault')))
    })
    app.post(`/v1/broken/pre-validation/${name}`, {
      preValidation: async () => {
        throw value
      },
      handler: () => '',
    })
    app.get(`/v1/broken/pre-handler/${name}`, {
      preHandler: () => {
        throw value
      },
      handler: () => '',
    })
    app.get(`/v1/broken/on-request/${name}`, {
      onRequest: async () => {
        throw value
      },
      handler: () => '',
    })
  }
  app.get('/v1/broken/header', (_request, reply) => reply.header('x-bad', 'a\nb').send('x'))
  app.get('/v1/broken/cyclic', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic['itself'] = cyclic
    return cyclic
  })
  app.get('/v1/broken/bigint', () => ({ value: 1n }))
  app.get('/v1/broken/payload', (_request, reply) => reply.serializer(() => '').send({}))
  app.get('/v1/broken/send-hook', {
    onSend: () => {
      throw new Error('a fault')
    },
    handler: () => ({}),
  })
  app.get('/v1/broken/async-send-hook', {
    onSend: async () => {
      throw new Error('a fault')
    },
    handler: () => ({}),
  })
  app.get('/v1/broken/response-hook', {
    onResponse: async () => {
      throw new Error('a fault')
    },
    handler: () => ({}),
  })
  app.get('/v1/broken/twice', (_request, reply) => {
    void reply.send({})
    throw new Error('a fault')
  })
  ;({ url, internalUrl } = await node.listen())
})

afterAll(async () => {
  await node.stop()
  await database.drop()
  process.off('uncaughtException', catchEscaped)
  process.off('unhandledRejection', catchEscaped)
})

const errorLines = (): string[] => lines.splice(0).filter((line) => (JSON.parse(line) as { level: number }).level >= 50)

test.each(['handler', 'async-handler', 'later', 'pre-validation', 'pre-handler', 'on-request'])(
  'A63 whatever is thrown in a %s is a 500 problem document and one line of the log',
  async (place) => {
    for (const [name, value] of Object.entries(thrown)) {
      // Fastify takes a hook that throws nothing, and does not wait, for one that is done. Lint forbids to.
      if (place === 'pre-handler' && (value === undefined || value === null)) continue
      errorLines()
      const method = place === 'pre-validation' ? 'POST' : 'GET'
      const answer = await fetch(`${url}/v1/broken/${place}/${name}`, { method })
      const what = `${place} ${name}`
      expect([what, answer.status, answer.headers.get('content-type')]).toEqual([
        what,
        500,
        'application/problem+json; charset=utf-8',
      ])
      const problem = problemSchema.parse(await answer.json())
      expect(problem).toMatchObject({ status: 500, code: 'internal' })
      // What went wrong here is nobody else's business.
      expect(JSON.stringify(problem)).not.toMatch(/fault|stack|text|matter/)
      expect([what, errorLines().length]).toEqual([what, 1])
    }
    expect(escaped).toEqual([])
  },
)

test('N13 a line that concerns a request has its id, which is in the answer too, whoever gave it', async () => {
  const ask = async (headers: Record<string, string>): Promise<string> => {
    errorLines()
    const answer = await fetch(`${url}/v1/broken/handler/error`, { headers })
    const id = answer.headers.get('x-request-id') ?? ''
    expect(errorLines().map((line) => JSON.parse(line) as unknown)).toMatchObject([{ requestId: id }])
    return id
  }
  const made = [
    await ask({}),
    await ask({ 'x-request-id': 'two words' }),
    await ask({ 'x-request-id': 'x'.repeat(500) }),
  ]
  for (const id of made) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  expect(new Set(made).size).toBe(3)
  expect(await ask({ 'x-request-id': 'given:by-a.proxy_1' })).toBe('given:by-a.proxy_1')
  expect((await fetch(`${url}/v1/nowhere`)).headers.get('x-request-id')).not.toBeNull()
})

test.each(['cyclic', 'bigint'])('A63 an answer that cannot be sent (%s) is a 500 all the same', async (name) => {
  errorLines()
  const answer = await fetch(`${url}/v1/broken/${name}`)
  expect(answer.status).toBe(500)
  expect(problemSchema.parse(await answer.json())).toMatchObject({
    code: 'internal',
    detail: expect.not.stringMatching(/cycl|bigint/i),
  })
  expect(errorLines()).toHaveLength(1)
  expect(escaped).toEqual([])
})

test.each(['header', 'send-hook', 'async-send-hook'])(
  'A63 what throws at each try to answer (%s) ends that answer alone',
  async (name) => {
    const answer = await fetch(`${url}/v1/broken/${name}`)
    expect(answer.status).toBe(500)
    await answer.text()
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect(escaped).toEqual([])
  },
)

test.each(['response-hook', 'twice', 'payload'])(
  'A63 what goes wrong after the answer (%s) ends nothing',
  async (name) => {
    const answer = await fetch(`${url}/v1/broken/${name}`)
    expect(answer.status).toBe(200)
    await answer.text()
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect(escaped).toEqual([])
  },
)

test('A63 a peer that is gone when its answer comes, in whatever way it goes, costs nothing', async () => {
  for (let round = 0; round < 200; round += 1) {
    const connection = await Peer.open(url)
    const length = round % 3 === 0 ? 'Content-Length: 5\r\n' : 'Transfer-Encoding: chunked\r\n'
    void connection.send(`POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${length}\r\n{`)
    if (round % 2 === 0) connection.socket.resetAndDestroy()
    else connection.socket.destroy()
  }
  const connection = await Peer.open(url)
  // Pipelined, and gone before the first is answered.
  void connection.send('GET /v1/spaces HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000))
  connection.socket.resetAndDestroy()
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  await eventually('no request is under way', async () =>
    / 0$/m.test(
      /rhizom_api_requests_under_way \d+/.exec(await (await fetch(`${internalUrl}/metrics`)).text())?.[0] ?? '',
    ),
  )
  expect(escaped).toEqual([])
})

test.each([
  ['/v1/spaces/%', 400],
  ['/v1/spaces/%E0%A4%A', 400],
  ['/v1/spaces/%ff%fe', 400],
  ['/v1/spaces/%00', 401],
  ['/v1/spaces?limit=%', 401],
  ['/v1/spaces?%E0%A4%A=%', 401],
  ['/v1/../metrics', 404],
  ['/v1/..%2fmetrics', 404],
  ['/v1/%2e%2e/metrics', 404],
  ['/v1/../internal/revoked', 404],
  ['/v1//spaces', 404],
  ['//v1/spaces', 404],
  ['/v1/spaces/', 401],
  ['/V1/SPACES', 404],
  ['/v1/spaces;x=1', 404],
  ['/v1/spaces#x', 401],
  ['/v1/spaces/LONG', 400],
  ['/v1/spaces/%41LONG', 400],
  ['/v1/spaces?LONG', 401],
  ['*', 404],
  ['http://other.example/v1/spaces', 401],
  ['', 400],
  [' ', 400],
])('A63 the path %j is answered %i with a problem document', async (path, status) => {
  const connection = await Peer.open(url)
  void connection.send(
    `GET ${path.replace('LONG', '%41=&'.repeat(1500))} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  )
  await connection.closed
  expect(connection.status).toBe(status)
  const { code } = problemSchema.parse(connection.body)
  expect(code).toMatch(/malformed|not-found|not-authenticated/)
  expect(escaped).toEqual([])
})

test.each([
  [
    'an upgrade nobody offers',
    'GET /v1/spaces HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    401,
  ],
  ['a tunnel', 'CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n', undefined],
  [
    'an expectation of its own',
    'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nExpect: x\r\nContent-Length: 2\r\n\r\n{}',
    417,
  ],
  ['a method of its own', 'BREW /v1/sessions HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a method for files', 'PROPFIND /v1/spaces HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ['two lengths', 'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 400],
  [
    'a length and chunks',
    'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'a bad chunk',
    'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    400,
  ],
  ['a bad length', 'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
  ['no host', 'GET /v1/spaces HTTP/1.1\r\n\r\n', 400],
  [
    'a type of its own',
    'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: ;;;\r\nContent-Length: 2\r\n\r\n{}',
    415,
  ],
  [
    'a bad length of the token',
    `GET /v1/spaces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'.'.repeat(8000)}\r\n\r\n`,
    401,
  ],
])('A63 %s ends nothing', async (_what, said, status) => {
  const connection = await Peer.open(url)
  void connection.send(said)
  await eventually('an answer or an end', () => connection.status !== undefined || connection.isClosed)
  expect(connection.status).toBe(status)
  connection.socket.destroy()
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect(escaped).toEqual([])
})

test('A63 a connection whose body was refused after it was read is kept for the next request', async () => {
  const api = await startApi({ databaseUrl: database.url })
  try {
    const connection = await Peer.open(api.url)
    const bad = 'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{'
    for (let round = 1; round <= 3; round += 1) {
      void connection.send(bad)
      await eventually('each is answered', () => connection.text.split('HTTP/1.1 400').length === round + 1)
    }
    expect(connection.isClosed).toBe(false)
    connection.socket.destroy()
  } finally {
    await api.stop()
  }
})
