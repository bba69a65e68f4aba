/** Postgres away, silent, slow, and lost at the worst moment. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { mutationResultSchema, problemSchema } from '@rhizom/protocol'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.ts'
import { freshId, startApi, type TestApi, uuid, type Wanted } from '../../testing/test-api.ts'

const DEADLINE_MS = 1000

let database: FreshDatabase
let proxy: TcpProxy
let api: TestApi
let token: string
let space: string

beforeAll(async () => {
  database = await freshDatabase()
  const url = new URL(database.url)
  proxy = await TcpProxy.listen('postgres', targetOf(url.href))
  url.port = `${proxy.port}`
  api = await startApi({
    databaseUrl: url.href,
    env: { DATABASE_DEADLINE_MS: `${DEADLINE_MS}`, MAX_QUEUED_MUTATIONS: '20', DATABASE_POOL: '4' },
  })
  space = freshId('space')
  token = (await api.signIn('Owner')).token
  await api.mutate(token, { space, name: 'space.create', args: { name: 'Space' } })
})

afterEach(async () => {
  proxy.reset()
  proxy.heal()
  await eventually('the api is ready', async () => (await api.ask('GET', '/readyz')).status === 200)
})

afterAll(async () => {
  await api.stop()
  await proxy.close()
  await database.drop()
})

const say = (): Wanted & { id: string } => ({
  id: uuid(),
  space,
  name: 'intention.create',
  args: { id: uuid(), type: 'utterance', content: ['x'] },
})
const post = (...mutations: unknown[]) => api.ask('POST', '/v1/mutations', { token, body: { mutations } })
const versionNow = async (): Promise<unknown> =>
  (await api.ask('GET', `/v1/spaces/${space}`, { token })).headers.get('etag')

test.each(['cut', 'blackhole'] as const)(
  'A15 %s: writes and reads are refused in time, and work again after',
  async (how) => {
    const before = await versionNow()
    const lost = say()
    proxy[how]()
    const begunAt = performance.now()
    const answers = await Promise.all([
      post(lost),
      api.ask('GET', `/v1/spaces/${space}`, { token }),
      api.ask('GET', '/v1/spaces', { token }),
      api.ask('POST', '/v1/sessions', { body: { name: 'New' } }),
      api.ask('GET', '/readyz'),
    ])
    expect(performance.now() - begunAt).toBeLessThan(DEADLINE_MS * 10)
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503])
    for (const { body, headers } of answers.slice(0, 4)) {
      expect(problemSchema.parse(body)).toMatchObject({ code: 'unavailable' })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    proxy.reset()
    proxy.heal()
    await eventually('the api is ready', async () => (await api.ask('GET', '/readyz')).status === 200)
    expect(await versionNow()).toBe(before)
    expect(await post(lost)).toMatchObject({ status: 200, body: { results: [{ status: 'applied' }] } })
  },
)

test('A15 idle connections that lost their way unnoticed cost the next request no error', async () => {
  const read = () => api.ask('GET', `/v1/spaces/${space}`, { token })
  await Promise.all(Array.from({ length: 12 }, read))
  proxy.abandon()
  const idleSince = performance.now()
  await eventually('they have been idle for long', () => performance.now() > idleSince + 600)
  const answers = await Promise.all(Array.from({ length: 12 }, read))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
})

test('A15 a connection that dies under a transaction leaves nothing of it', async () => {
  const before = await versionNow()
  const half = say()
  proxy.cutAfterSending((sent) => sent.includes('insert into mutations') || sent.includes(half.id))
  const { status, body } = await post(half)
  expect([status, problemSchema.parse(body).code]).toEqual([503, 'unavailable'])
  await eventually(
    'the outcome is known',
    async () => (await api.ask('GET', `/v1/mutations/${half.id}`, { token })).status === 404,
  )
  expect(await versionNow()).toBe(before)
  expect(await post(half)).toMatchObject({ status: 200, body: { results: [{ status: 'applied' }] } })
})

test('A16 a connection that dies at commit leaves the outcome to be asked', async () => {
  const doubtful = say()
  let writing: object | undefined
  proxy.cutAfterSending((sent, connection) => {
    if (sent.includes(doubtful.id)) writing ??= connection
    return connection === writing && sent.includes('commit')
  })
  const { status, body } = await post(doubtful)
  expect([status, problemSchema.parse(body).code]).toEqual([503, 'outcome-unknown'])
  const outcome = await eventually('the outcome is known', async () => {
    const asked = await api.ask('GET', `/v1/mutations/${doubtful.id}`, { token })
    return asked.status === 200 && mutationResultSchema.parse(asked.body)
  })
  expect(outcome).toMatchObject({ status: 'applied' })
  expect(await post(doubtful)).toMatchObject({
    body: { results: [{ id: doubtful.id, status: 'duplicate', version: outcome.version }] },
  })
})

test('A16 a later part that fails after an earlier one was committed', async () => {
  const first = say()
  const second: Wanted & { id: string } = {
    id: uuid(),
    space: null,
    name: 'being.create',
    args: { id: freshId('bot'), type: 'bot', name: 'Bot' },
  }
  proxy.cutAfterSending((sent) => sent.includes(second.id))
  const { status, body } = await post(first, second)
  expect([status, problemSchema.parse(body).code]).toEqual([503, 'outcome-unknown'])
  const outcomes = await eventually('the outcome is known', async () => {
    const asked = await Promise.all([first, second].map(({ id }) => api.ask('GET', `/v1/mutations/${id}`, { token })))
    return asked.every(({ status: answered }) => answered !== 503) && asked.map(({ status: answered }) => answered)
  })
  expect(outcomes).toEqual([200, 404])
  expect(await post(first, second)).toMatchObject({
    body: { results: [{ status: 'duplicate' }, { status: 'applied' }] },
  })
})

test('A17 more writes than may wait are refused at once', async () => {
  proxy.blackhole()
  const posts = await Promise.all(Array.from({ length: 40 }, () => post(say())))
  expect(new Set(posts.map(({ status }) => status))).toEqual(new Set([503]))
  const details = posts.map(({ body }) => problemSchema.parse(body))
  expect(new Set(details.map(({ code }) => code))).toEqual(new Set(['unavailable']))
})
