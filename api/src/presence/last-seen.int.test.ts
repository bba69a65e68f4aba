/** What gateways report of who left, and where it can be read afterwards. */
import { beingsAnswerSchema, type PostSessionAnswer, snapshotSchema } from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, INTERNAL_TOKEN, startApi, type TestApi } from '../testing/test-api.ts'

let database: FreshDatabase
let api: TestApi

beforeAll(async () => {
  database = await freshDatabase()
  api = await startApi({ databaseUrl: database.url })
})
afterAll(async () => {
  await api.stop()
  await database.drop()
})

const report = (beings: { being: string; at: number }[], token = INTERNAL_TOKEN) =>
  api.ask('POST', '/internal/last-seen', { token, body: { beings } })

/** As each is told of itself: of one that is nowhere others know no time. */
const seen = (...sessions: PostSessionAnswer[]): Promise<(number | null)[]> =>
  Promise.all(
    sessions.map(async ({ token, being: { id } }) => {
      const { body } = await api.ask('GET', `/v1/beings?ids=${id}`, { token })
      return beingsAnswerSchema.parse(body).beings[0]?.lastSeenAt ?? null
    }),
  )

test('A100 the latest report counts, in whatever order they come, and comes with the being', async () => {
  const ada = await api.signIn('Ada')
  const bob = await api.signIn('Bob')
  const [one, two] = [ada.being.id, bob.being.id]
  expect(await seen(ada, bob)).toEqual([null, null])
  const at = Date.now() - 60_000
  const answers = await Promise.all([
    report([
      { being: one, at },
      { being: two, at: at - 5 },
      { being: '@nobody-at-all', at },
    ]),
    report([
      { being: two, at },
      { being: one, at: at - 7 },
    ]),
    report([{ being: one, at: at - 9000 }]),
  ])
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
  expect(await seen(ada, bob)).toEqual([at, at])
})

test('A100 a report changes no version and is in the next snapshot', async () => {
  const ada = await api.signIn('Ada')
  const space = freshId('space')
  await api.mutate(
    ada.token,
    { space, name: 'space.create', args: { name: 'S' } },
    { space, name: 'being.move', args: { id: ada.being.id } },
  )
  const read = async () =>
    snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token: ada.token })).body)
  const before = await read()
  const at = Date.now() - 1000
  await report([{ being: ada.being.id, at }])
  const after = await read()
  expect(after.version).toBe(before.version)
  expect(after.beings.find(({ id }) => id === ada.being.id)?.lastSeenAt).toBe(at)
})

test('A100 a clock that is ahead does not make it the future', async () => {
  const ada = await api.signIn('Ada')
  await report([{ being: ada.being.id, at: Date.now() + 3_600_000 }])
  const [at] = await seen(ada)
  expect(at).toBeGreaterThan(Date.now() - 60_000)
  expect(at).toBeLessThan(Date.now() + 60_000)
})

test('A100 a time beyond what can be stored counts as the first or the last that can', async () => {
  const ada = await api.signIn('Ada')
  const bob = await api.signIn('Bob')
  const beyond = [Number.MIN_SAFE_INTEGER, -8.64e15, 8.64e15, 253_402_300_800_000, Number.MAX_SAFE_INTEGER]
  const reports = await Promise.all(beyond.map((at) => report([{ being: ada.being.id, at }])))
  expect(reports.map(({ status }) => status)).toEqual(beyond.map(() => 202))
  const [latest] = await seen(ada)
  expect(latest).toBeGreaterThan(Date.now() - 60_000)
  expect(latest).toBeLessThan(Date.now() + 60_000)
  await report([{ being: bob.being.id, at: Number.MIN_SAFE_INTEGER }])
  expect(await seen(bob)).toEqual([0])
})

test('A100 only gateways may report, and no more than a thousand at once', async () => {
  const ada = await api.signIn('Ada')
  expect((await report([{ being: ada.being.id, at: 1 }], 'not-the-internal-token')).status).toBe(401)
  expect((await report([{ being: ada.being.id, at: 1 }], ada.token)).status).toBe(401)
  const many = Array.from({ length: 1001 }, (_, index) => ({ being: `@b${index}`, at: 1 }))
  expect((await report(many)).status).toBe(400)
  expect(await seen(ada)).toEqual([null])
})
