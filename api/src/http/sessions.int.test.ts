/** Sessions on two nodes: what renews them, who has which, and how they end. */
import { randomUUID } from 'node:crypto'
import { eventually } from '@rhizom/kit/eventually.ts'
import {
  internalRevokedAnswerSchema,
  type ListSessionsAnswer,
  listSessionsAnswerSchema,
  parseRevokedMessage,
  type PostSessionAnswer,
  postSessionAnswerSchema,
  REDIS,
  SESSION_TOKEN,
  sessionClaimsSchema,
} from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Database } from '../db/database.ts'
import { pruneSessions } from '../db/write/sessions.ts'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import {
  type Answer,
  freshId,
  INTERNAL_TOKEN,
  startApi,
  type TestApi,
  TOKEN_SECRET,
  uuid,
} from '../testing/test-api.ts'
import { MAX_SESSIONS } from './grants.ts'

const GRACE_MS = 60_000
let fresh: FreshDatabase
let database: Database
let bus: Redis
let [one, two]: TestApi[] = []
const told = new Map<string, number[]>()

beforeAll(async () => {
  fresh = await freshDatabase()
  database = new Database({ url: fresh.url, poolSize: 2, deadlineMs: 10_000, name: 'sessions' })
  bus = new Redis(process.env['TEST_REDIS_URL'] ?? '')
  bus.on('messageBuffer', (channel: Buffer, sealed: Buffer) => {
    const message = one?.node.seal.open(channel.toString(), sealed)
    const parsed = parseRevokedMessage(String(message))
    if (!parsed.ok) return
    for (const [id, until] of Object.entries(parsed.value)) told.set(id, [...(told.get(id) ?? []), until])
  })
  await bus.subscribe(REDIS.revokedChannel)
  const env = { RENEWAL_GRACE_MS: `${GRACE_MS}`, HEADS_INTERVAL_MS: '200' }
  one = await startApi({ databaseUrl: fresh.url, env })
  two = await startApi({ databaseUrl: fresh.url, env })
})

afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop(), database.close()])
  bus.disconnect()
  await fresh.drop()
})

const nodes = (): [TestApi, TestApi] => {
  if (one === undefined || two === undefined) throw new Error('not started')
  return [one, two]
}

type Held = PostSessionAnswer & { renewal: string }

function held(answer: Answer): Held {
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const { renewal, ...rest } = postSessionAnswerSchema.parse(answer.body)
  if (renewal === undefined) throw new Error('no renewal')
  return { ...rest, renewal }
}

const signIn = async (name = 'Ada'): Promise<Held> =>
  held(await nodes()[0].ask('POST', '/v1/sessions', { body: { name } }))
const renew = (api: TestApi, renewal: string) => api.ask('POST', '/v1/sessions/renew', { body: { renewal } })
const sidOf = (token: string): string | undefined => sessionClaimsSchema.parse(decodeJwt(token)).sid
const whoAmI = async (api: TestApi, token: string) => (await api.ask('GET', '/v1/sessions/current', { token })).status
const list = async (api: TestApi, token: string): Promise<ListSessionsAnswer['sessions']> =>
  listSessionsAnswerSchema.parse((await api.ask('GET', '/v1/sessions', { token })).body).sessions

const refused = async (answer: Promise<Answer>) => {
  const { status, body, headers } = await answer
  expect(status).toBe(401)
  expect(body).toMatchObject({ code: 'not-authenticated' })
  expect(headers.get('cache-control')).toBe('no-store')
}

test('A151 a guest whose token ran out long ago is still itself: the renewal gives a fresh pair, again and again', async () => {
  const [, other] = nodes()
  const brief = await startApi({ databaseUrl: fresh.url, env: { TOKEN_TTL_SECONDS: '1' } })
  const ada = held(await brief.ask('POST', '/v1/sessions', { body: { name: 'Ada' } }))
  await eventually('the token has run out', async () => {
    const { body } = await brief.ask('GET', '/v1/sessions/current', { token: ada.token })
    return JSON.stringify(body).includes('token-expired')
  })
  await brief.stop()
  let latest = ada
  for (let week = 0; week < 5; week += 1) {
    const answer = await renew(other, latest.renewal)
    expect(answer.status).toBe(200)
    const next = held(answer)
    expect(next.being).toEqual(ada.being)
    expect(next.renewal).not.toBe(latest.renewal)
    expect(sidOf(next.token)).toBe(sidOf(ada.token))
    expect(await whoAmI(other, next.token)).toBe(200)
    latest = next
  }
})

test('A151 a fresh token for a token is of the same session, and leaves the renewal as it is', async () => {
  const [api] = nodes()
  const ada = await signIn()
  const { status, body } = await api.ask('POST', '/v1/sessions/current/refresh', { token: ada.token })
  expect(status).toBe(200)
  const refreshed = postSessionAnswerSchema.parse(body)
  expect(refreshed.renewal).toBeUndefined()
  expect(sidOf(refreshed.token)).toBe(sidOf(ada.token))
  expect((await renew(api, ada.renewal)).status).toBe(200)
})

test('A152 whose answer was lost, or who asks twice at once over two nodes, gets the same renewal', async () => {
  const ada = await signIn()
  const answers = await Promise.all(nodes().flatMap((api) => [renew(api, ada.renewal), renew(api, ada.renewal)]))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  const [next, ...others] = new Set(answers.map((answer) => held(answer).renewal))
  expect(others).toEqual([])
  expect((await renew(nodes()[1], next ?? '')).status).toBe(200)
})

test.each([
  ['once its answer is known to have arrived', 0],
  ['however long ago', 5],
])('A152 a renewal that is used again, %s, ends the session: both who hold it are out', async (_when, later) => {
  const [api, other] = nodes()
  const ada = await signIn()
  let latest = held(await renew(api, ada.renewal))
  for (let use = 0; use <= later; use += 1) latest = held(await renew(api, latest.renewal))
  await refused(renew(other, ada.renewal))
  await refused(renew(api, latest.renewal))
  for (const node of nodes()) expect(await whoAmI(node, latest.token)).toBe(401)
  await eventually('gateways are told', () => told.has(sidOf(ada.token) ?? ''))
})

test('A152 after the grace a renewal that was used is used again', async () => {
  const strict = await startApi({ databaseUrl: fresh.url, env: { RENEWAL_GRACE_MS: '0' } })
  const ada = await signIn()
  const next = held(await renew(strict, ada.renewal))
  await refused(renew(strict, ada.renewal))
  await refused(renew(strict, next.renewal))
  expect(await whoAmI(strict, next.token)).toBe(401)
  await strict.stop()
})

test('A153 a made-up renewal is refused and ends nothing; of what is stored none can be made', async () => {
  const [api] = nodes()
  const ada = await signIn()
  const [sid, family, secret] = ada.renewal.split('.')
  const wrong = (part = '') => `${part.startsWith('A') ? 'B' : 'A'}${part.slice(1)}`
  for (const text of [`${sid}.${wrong(family)}.${secret}`, `${randomUUID()}.${family}.${secret}`, 'x', ada.token])
    await refused(renew(api, text.slice(0, 256)))
  expect((await renew(api, '')).status).toBe(400)
  expect((await renew(api, 'x'.repeat(1024))).status).toBe(413)
  const rows = await database.use((sql) => sql`select * from sessions where id = ${sid ?? ''}`)
  expect(rows).toHaveLength(1)
  for (const part of [family, secret, ada.token]) expect(JSON.stringify(rows)).not.toContain(part)
  expect((await renew(api, ada.renewal)).status).toBe(200)
})

test('A154 one lists one’s own sessions, and ends one: refused on all nodes in all that it asks, the others go on', async () => {
  const [api, other] = nodes()
  const owner = await signIn('Owner')
  const [bot, space] = [freshId('bot'), freshId('space')]
  await api.mutate(owner.token, { space, name: 'space.create', args: { name: 'Space' } })
  await api.mutate(owner.token, { space, name: 'being.create', args: { id: bot, type: 'bot', name: 'Bot' } })
  const [first, second] = await Promise.all(
    nodes().map(async (node) =>
      held(await node.ask('POST', '/v1/sessions', { token: owner.token, body: { being: bot } })),
    ),
  )
  if (first === undefined || second === undefined) throw new Error('no sessions')
  const [ids, current] = [[sidOf(first.token), sidOf(second.token)], sidOf(first.token)]
  const listed = await list(other, first.token)
  expect(listed.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
    ids.map(String).toSorted((a, b) => (a < b ? -1 : 1)),
  )
  expect(listed.filter((session) => session.current).map(({ id }) => id)).toEqual([current])
  for (const { createdAt, lastUsedAt } of listed) expect(lastUsedAt).toBeGreaterThanOrEqual(createdAt)

  expect((await api.ask('DELETE', `/v1/sessions/${ids[1]}`, { token: first.token })).status).toBe(204)
  const create = { id: uuid(), type: 'utterance', content: ['x'] }
  const mutations = [
    { id: uuid(), space, name: 'intention.create', args: create },
    { id: uuid(), space: null, name: 'being.update', args: { id: bot, name: 'Other' } },
  ]
  for (const node of nodes()) {
    const { token } = second
    for (const mutation of mutations)
      await refused(node.ask('POST', '/v1/mutations', { token, body: { mutations: [mutation] } }))
    for (const path of ['/v1/sessions', '/v1/sessions/current', '/v1/spaces', `/v1/spaces/${space}`, '/v1/work'])
      await refused(node.ask('GET', path, { token }))
    await refused(node.ask('POST', '/v1/sessions/current/refresh', { token }))
    await refused(node.ask('POST', `/v1/spaces/${space}/signals`, { token, body: { name: 'typing' } }))
    await refused(node.ask('DELETE', `/v1/sessions/${current}`, { token }))
    await refused(renew(node, second.renewal))
    expect(await whoAmI(node, first.token)).toBe(200)
  }
  expect((await list(api, first.token)).map(({ id }) => id)).toEqual([current])
  expect((await api.ask('DELETE', '/v1/sessions/current', { token: first.token })).status).toBe(204)
  expect(await whoAmI(other, first.token)).toBe(401)
  expect(await whoAmI(other, owner.token)).toBe(200)
})

test('A154 a session of somebody else, one that is ended, and none answer alike', async () => {
  const [api] = nodes()
  const [ada, bob, token] = [await signIn(), await signIn('Bob'), (await signIn('Eve')).token]
  const ended = sidOf(bob.token)
  await api.ask('DELETE', '/v1/sessions/current', { token: bob.token })
  const answers = await Promise.all(
    [sidOf(ada.token), ended, randomUUID()].map((id) => api.ask('DELETE', `/v1/sessions/${id}`, { token })),
  )
  for (const { status, body } of answers) {
    expect(status).toBe(404)
    expect(body).toEqual(answers[0]?.body)
  }
  expect((await api.ask('DELETE', '/v1/sessions/x', { token })).status).toBe(400)
  expect(await whoAmI(api, ada.token)).toBe(200)
})

test('A155 an end is told at once and again, and can be asked for, until the last token of the session has run out', async () => {
  const [api, other] = nodes()
  const ada = await signIn()
  const sid = sidOf(ada.token) ?? ''
  const begunAt = Date.now()
  await api.ask('DELETE', '/v1/sessions/current', { token: ada.token })
  await eventually('it is told twice', () => (told.get(sid)?.length ?? 0) > 1)
  const [until] = told.get(sid) ?? []
  expect(until).toBeGreaterThan(ada.expiresAt)
  const answer = await other.ask('GET', `/internal/revoked?since=${begunAt - 1000}`, { token: INTERNAL_TOKEN })
  const { sessions, revoked } = internalRevokedAnswerSchema.parse(answer.body)
  expect(sessions?.[sid]).toBe(until)
  expect(revoked[ada.being.id]).toBeUndefined()
})

/** As they were made before there were sessions. */
const formerToken = (being: string): Promise<string> =>
  new SignJWT()
    .setProtectedHeader({ alg: SESSION_TOKEN.formerAlgorithm })
    .setSubject(being)
    .setIssuer(SESSION_TOKEN.issuer)
    .setAudience(SESSION_TOKEN.audience)
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(TOKEN_SECRET))

test('A156 a token that is of no session is good until it runs out, ends with nothing, and gets a session', async () => {
  const [api] = nodes()
  const ada = await signIn()
  const token = await formerToken(ada.being.id)
  await api.ask('DELETE', '/v1/sessions/current', { token: ada.token })
  expect(await whoAmI(api, token)).toBe(200)
  expect(await list(api, token)).toEqual([])
  expect((await api.ask('DELETE', '/v1/sessions/current', { token })).status).toBe(404)
  expect(
    await api.mutate(token, { space: null, name: 'being.update', args: { id: ada.being.id, name: 'A' } }),
  ).toMatchObject([{ status: 'applied' }])
  const refreshed = held(await api.ask('POST', '/v1/sessions/current/refresh', { token }))
  expect((await renew(api, refreshed.renewal)).status).toBe(200)
  expect((await list(api, token)).map(({ id }) => id)).toEqual([sidOf(refreshed.token)])
})

test('A157 of more sessions than a being may have those end that were not used for longest', async () => {
  const [api] = nodes()
  const ada = await signIn()
  const token = await formerToken(ada.being.id)
  const extra = 20
  let last: Held | undefined
  for (let nth = 1; nth < MAX_SESSIONS + extra; nth += 1)
    last = held(await api.ask('POST', '/v1/sessions/current/refresh', { token }))
  const { token: newest } = last ?? ada
  expect(await list(api, newest)).toHaveLength(MAX_SESSIONS)
  expect(await whoAmI(api, newest)).toBe(200)
  expect(await whoAmI(api, ada.token)).toBe(401)
  await eventually('gateways are told', () => told.has(sidOf(ada.token) ?? ''))
})

test('A158 a session is kept until it is ended and its tokens have run out; one of a removed being renews nothing', async () => {
  const [api] = nodes()
  const [ada, bob, cyd] = [await signIn(), await signIn('Bob'), await signIn('Cyd')]
  await api.ask('DELETE', '/v1/sessions/current', { token: bob.token })
  await api.mutate(cyd.token, { space: null, name: 'being.remove', args: { id: cyd.being.id } })
  await refused(renew(api, cyd.renewal))
  const ids = [ada, bob, cyd].map(({ token }) => sidOf(token) ?? '')
  const left = async () =>
    (await database.use((sql) => sql<{ id: string }[]>`select id from sessions where id = any(${ids}::text[])`)).length
  await database.use((sql) => pruneSessions(sql, 3_600_000, 5000))
  expect(await left()).toBe(3)
  await database.use(
    (sql) => sql`update sessions set created_at = 'epoch', last_used_at = 'epoch' where id = ${ids[0] ?? ''}`,
  )
  await eventually('they are pruned', async () => {
    await database.use((sql) => pruneSessions(sql, 0, 5000))
    return (await left()) === 1
  })
  expect((await renew(api, ada.renewal)).status).toBe(200)
})
