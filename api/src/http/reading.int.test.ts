/** What is read and what is news, over HTTP, as its readers and its gateways ask for it. */
import { eventually } from '@rhizom/kit/eventually.ts'
import {
  internalNewsAnswerSchema,
  LIMITS,
  type News,
  newsAnswerSchema,
  parseNewsMessage,
  type PutReadAnswer,
  putReadAnswerSchema,
  REDIS,
} from '@rhizom/protocol'
import { Redis } from 'ioredis'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, INTERNAL_TOKEN, startApi, type TestApi, uuid } from '../testing/test-api.ts'

let database: FreshDatabase
let api: TestApi
let sql: postgres.Sql

beforeAll(async () => {
  database = await freshDatabase()
  api = await startApi({ databaseUrl: database.url })
  sql = postgres(database.url, { max: 1 })
})

afterAll(async () => {
  await sql.end()
  await api.stop()
  await database.drop()
})

interface Person {
  id: string
  token: string
}

async function person(word: string): Promise<Person> {
  const id = freshId(word)
  const { token } = await api.signIn(word, id)
  return { id, token }
}

/** A space of `owner` with members. */
async function newSpace(owner: Person, members: Person[] = [], visibility: 'public' | 'private' = 'private') {
  const space = freshId('space')
  await api.mutate(owner.token, { space, name: 'space.create', args: { name: 'Space', visibility } })
  for (const { id } of members)
    await api.mutate(owner.token, { space, name: 'member.put', args: { being: id, role: 'member' } })
  return space
}

async function say({ token }: Person, space: string, ...texts: string[]): Promise<string[]> {
  const ids = texts.map(() => uuid())
  const said = texts.map((text, index) => ({
    space,
    name: 'intention.create' as const,
    args: { id: ids[index] ?? '', type: 'utterance' as const, content: [text] },
  }))
  for (const { status } of await api.mutate(token, ...said)) expect(status).toBe('applied')
  return ids
}

const put = (token: string, space: string, body: unknown) => api.ask('PUT', `/v1/spaces/${space}/read`, { token, body })

async function read({ token }: Person, space: string, version: number): Promise<PutReadAnswer> {
  const { status, body } = await put(token, space, { version })
  expect(status).toBe(200)
  return putReadAnswerSchema.parse(body)
}

async function newsOf({ token }: Person): Promise<Record<string, News>> {
  const { status, body } = await api.ask('GET', '/v1/news', { token })
  expect(status).toBe(200)
  return newsAnswerSchema.parse(body).spaces
}

async function headOf({ token }: Person, space: string): Promise<number> {
  const { body } = await api.ask('GET', `/v1/spaces/${space}`, { token })
  return (body as { version: number }).version
}

test('A245 what is read only ever grows, up to the version of the space, and is answered with what is new since', async () => {
  const [ada, bob] = [await person('ada'), await person('bob')]
  const space = await newSpace(ada, [bob])
  await say(ada, space, 'one', 'two', `three @x and ${bob.id.toUpperCase()}`)
  const head = await headOf(bob, space)
  expect(await read(bob, space, head - 2)).toEqual({ version: head - 2, unread: 2, mentions: 1 })
  expect(await read(bob, space, head - 1)).toEqual({ version: head - 1, unread: 1, mentions: 1 })
  expect(await read(bob, space, 0)).toEqual({ version: head - 1, unread: 1, mentions: 1 })
  expect(await read(bob, space, 2 ** 53 - 1)).toEqual({ version: head, unread: 0, mentions: 0 })
  expect(await read(bob, space, head)).toEqual({ version: head, unread: 0, mentions: 0 })
  await say(ada, space, 'four')
  expect(await newsOf(bob)).toEqual({ [space]: { version: head + 1, unread: 1, mentions: 0 } })
})

test('A245 of many marks at once the furthest stands, and none is answered with less than it said', async () => {
  const [ada, bob] = [await person('ada'), await person('bob')]
  const space = await newSpace(ada, [bob])
  await say(ada, space, ...Array.from({ length: 40 }, (_, index) => `${index}`))
  const versions = Array.from({ length: 40 }, (_, index) => ((index * 17) % 40) + 1)
  const answers = await Promise.all(versions.map((version) => read(bob, space, version)))
  for (const [index, { version }] of answers.entries()) expect(version).toBeGreaterThanOrEqual(versions[index] ?? 0)
  expect((await read(bob, space, 0)).version).toBe(40)
})

test('A246 a mark that is repeated, or less than is known, touches no row and tells nobody', async () => {
  const [ada, bob] = [await person('ada'), await person('bob')]
  const space = await newSpace(ada, [bob])
  await say(ada, space, 'one', 'two')
  const heard = await listenForNews()
  await read(bob, space, 4)
  const row = () => sql`select xmin::text, xmax::text, ctid::text from reads where being = ${bob.id}`
  const before = [...(await row())]
  for (const version of [4, 3, 0, 4]) await read(bob, space, version)
  expect([...(await row())]).toEqual(before)
  await read(bob, space, 2 ** 40)
  await heard.until(bob.id, space, 2)
  expect(heard.times(bob.id, space)).toBe(2)
  heard.stop()
})

test('A247 a space that one may not read is the same as none, and a body that says no version is malformed', async () => {
  const [ada, eve] = [await person('ada'), await person('eve')]
  const space = await newSpace(ada)
  const hidden = await put(eve.token, space, { version: 1 })
  const absent = await put(eve.token, freshId('space'), { version: 1 })
  const blank = ({ body, status }: typeof hidden) => [status, JSON.stringify(body).replaceAll(/@space-\w+/g, '@')]
  expect(blank(hidden)).toEqual(blank(absent))
  expect(hidden.status).toBe(404)
  expect(await sql`select 1 from reads where being = ${eve.id}`).toHaveLength(0)
  await api.mutate(ada.token, { space, name: 'member.put', args: { being: eve.id, role: 'banned' } })
  expect((await put(eve.token, space, { version: 1 })).status).toBe(404)
  expect(await newsOf(eve)).toEqual({})
  for (const body of [{}, { version: -1 }, { version: '1' }, [], { version: 1.5 }])
    expect(await put(ada.token, space, body)).toMatchObject({ status: 400, body: { code: 'malformed' } })
  expect((await put('x', space, { version: 1 })).status).toBe(401)
  const large = { version: 1, more: 'x'.repeat(2000) }
  expect((await put(ada.token, space, large)).status).toBe(413)
})

test('A248 unread is what others said since: not what is one of own, nor what was removed, and a reply counts once', async () => {
  const [ada, bob] = [await person('ada'), await person('bob')]
  const space = await newSpace(ada, [bob])
  await read(bob, space, await headOf(bob, space))
  const [first = '', second = ''] = await say(ada, space, 'one', 'two')
  await say(bob, space, 'mine', 'mine')
  await api.mutate(ada.token, { space, name: 'intention.append', args: { id: first, text: ' and more' } })
  await api.mutate(ada.token, { space, name: 'intention.append', args: { id: first, text: ` ${bob.id}` } })
  const unread = async () => (await newsOf(bob))[space]
  expect(await unread()).toMatchObject({ unread: 2, mentions: 1 })
  await api.mutate(ada.token, { space, name: 'intention.remove', args: { id: second } })
  expect(await unread()).toMatchObject({ unread: 1, mentions: 1 })
  await api.mutate(ada.token, { space, name: 'intention.update', args: { id: first, content: ['else'] } })
  expect(await unread()).toMatchObject({ unread: 1, mentions: 0 })
})

test("A249 one's spaces are those one is a member of, is located in, or has read something of, as far as one may read them", async () => {
  const [ada, bob] = [await person('ada'), await person('bob')]
  const [member, located, marked, other] = [
    await newSpace(ada, [bob]),
    await newSpace(ada, [], 'public'),
    await newSpace(ada, [], 'public'),
    await newSpace(ada, [], 'public'),
  ]
  for (const space of [member, located, marked, other]) await say(ada, space, 'x')
  await api.mutate(bob.token, { space: located, name: 'being.move', args: { id: bob.id } })
  await read(bob, marked, 0)
  expect(Object.keys(await newsOf(bob)).sort()).toEqual([member, located, marked].sort())
  await api.mutate(ada.token, { space: member, name: 'member.remove', args: { being: bob.id } })
  await api.mutate(ada.token, { space: marked, name: 'space.update', args: { visibility: 'private' } })
  expect(Object.keys(await newsOf(bob))).toEqual([located])
  await api.mutate(bob.token, { space: other, name: 'being.move', args: { id: bob.id } })
  expect(Object.keys(await newsOf(bob))).toEqual([other])
})

test('A250 counted are the newest hundred since, and told the two hundred spaces that changed last, whatever there is', async () => {
  const [ada, bob] = [await person('ada'), await person('bob')]
  const space = await newSpace(ada, [bob])
  for (let at = 0; at < 3; at += 1) await say(ada, space, ...Array.from({ length: 90 }, () => `hey ${bob.id}`))
  expect((await newsOf(bob))[space]).toMatchObject({ unread: LIMITS.maxUnread, mentions: LIMITS.maxUnread })
  await sql`insert into spaces (id, name, visibility, epoch, version, created_at, changed_at)
    select ${space} || '-' || n, 's', 'private', gen_random_uuid(), 1, now(), now() - n * interval '1 hour'
    from generate_series(1, 3000) n`
  await sql`insert into members (space, being, role)
    select ${space} || '-' || n, ${bob.id}, 'member' from generate_series(1, 900) n`
  await sql`insert into reads (space, being, version, at)
    select ${space} || '-' || n, ${bob.id}, 1, now() from generate_series(1, 3000) n`
  const { body } = await api.ask('GET', '/v1/news', { token: bob.token })
  const { spaces, hasMore } = newsAnswerSchema.parse(body)
  expect([Object.keys(spaces).length, hasMore]).toEqual([LIMITS.maxNewsSpaces, true])
  expect([space, `${space}-1`, `${space}-150`].every((id) => id in spaces)).toBe(true)
})

test('A251 marks are gone with their space and with their being; who makes a space of that id again finds nothing read', async () => {
  const [ada, bob] = [await person('ada'), await person('bob')]
  const space = await newSpace(ada, [bob])
  await say(ada, space, 'one')
  await read(bob, space, 3)
  await read(ada, space, 3)
  await api.mutate(ada.token, { space, name: 'space.remove', args: {} })
  const marks = () => sql`select 1 from reads where space = ${space} or being = ${bob.id}`
  expect(await marks()).toHaveLength(0)
  // As if it had been marked in the very moment of the removal.
  await sql`insert into reads (space, being, version, at) values (${space}, ${bob.id}, 3, now())`
  await api.mutate(ada.token, { space, name: 'space.create', args: { name: 'Again', visibility: 'private' } })
  await api.mutate(ada.token, { space, name: 'member.put', args: { being: bob.id, role: 'member' } })
  await say(ada, space, 'new')
  expect((await newsOf(bob))[space]).toMatchObject({ unread: 1 })
  expect(await read(bob, space, 1)).toMatchObject({ version: 1, unread: 1 })
  await api.mutate(bob.token, { space: null, name: 'being.remove', args: { id: bob.id } })
  expect(await marks()).toHaveLength(0)
})

test('A252 who marks more than its rate is told to wait', async () => {
  const slow = await startApi({
    databaseUrl: database.url,
    env: { MUTATIONS_PER_SECOND: '1', MUTATIONS_BURST: '5' },
  })
  try {
    const ada = await person('ada')
    // What is refused for another reason counts as well, and nobody is limited before Redis is there.
    const refused = await eventually('it is told to wait', async () => {
      const answer = await slow.ask('PUT', `/v1/spaces/${freshId('space')}/read`, { token: ada.token, body: {} })
      return answer.status === 429 ? answer : undefined
    })
    expect(refused.body).toMatchObject({ code: 'rate-limited' })
  } finally {
    await slow.stop()
  }
})

test('A253 a gateway asks for many at once, and nobody else does', async () => {
  const [ada, bob, eve] = [await person('ada'), await person('bob'), await person('eve')]
  const space = await newSpace(ada, [bob])
  await say(ada, space, 'one')
  const question = { all: [bob.id, freshId('nobody')], some: { [space]: [ada.id, bob.id, eve.id] } }
  const { status, body } = await api.ask('POST', '/internal/news', { token: INTERNAL_TOKEN, body: question })
  expect(status).toBe(200)
  const { all, some } = internalNewsAnswerSchema.parse(body)
  const version = await headOf(ada, space)
  const unread = { version, unread: 1, mentions: 0 }
  expect(all).toEqual({
    [bob.id]: { spaces: { [space]: unread }, hasMore: false },
    [question.all[1] ?? '']: { spaces: {}, hasMore: false },
  })
  expect(some).toEqual({ [space]: { [ada.id]: { ...unread, unread: 0 }, [bob.id]: unread, [eve.id]: null } })
  const refused = await api.ask('POST', '/internal/news', { token: ada.token, body: question })
  expect(refused.status).toBe(401)
})

test('A254 that somebody read further, came, went or got another role is told to the gateways when it is committed', async () => {
  const [ada, bob] = [await person('ada'), await person('bob')]
  const space = await newSpace(ada, [], 'public')
  const heard = await listenForNews()
  await read(ada, space, 1)
  await heard.until(ada.id, space)
  await api.mutate(ada.token, { space, name: 'member.put', args: { being: bob.id, role: 'viewer' } })
  await heard.until(bob.id, space)
  await api.mutate(bob.token, { space, name: 'being.move', args: { id: bob.id } })
  await heard.until(bob.id, space, 2)
  await api.mutate(ada.token, { space, name: 'being.expel', args: { id: bob.id } })
  await heard.until(bob.id, space, 3)
  await api.mutate(ada.token, { space, name: 'member.remove', args: { being: bob.id } })
  await heard.until(bob.id, space, 4)
  expect(heard.times(ada.id, space)).toBe(1)
  heard.stop()
})

async function listenForNews() {
  const redis = new Redis(process.env['TEST_REDIS_URL'] ?? '')
  const heard: string[] = []
  redis.on('messageBuffer', (channel: Buffer, sealed: Buffer) => {
    const message = api.node.seal.open(channel.toString(), sealed)
    // Nodes of other tests say theirs on the same Redis.
    if (message === undefined) return
    const parsed = parseNewsMessage(message.toString())
    if (!parsed.ok) throw new Error(parsed.problem)
    for (const [space, beings] of Object.entries(parsed.value))
      for (const being of beings) heard.push(`${being} ${space}`)
  })
  await redis.subscribe(REDIS.newsChannel)
  const times = (being: string, space: string): number => heard.filter((one) => one === `${being} ${space}`).length
  return {
    times,
    until: (being: string, space: string, least = 1) =>
      eventually(`${being} in ${space} is told`, () => times(being, space) >= least),
    stop: () => redis.disconnect(),
  }
}
