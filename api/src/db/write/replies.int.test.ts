/** Replies and claims through whole nodes: two nodes, one Postgres, one Redis, a leader that takes claims away. */
import { eventually } from '@rhizom/kit/eventually.ts'
import {
  changesAnswerSchema,
  type Intention,
  type MutationResult,
  parseWorkMessage,
  postSessionAnswerSchema,
  REDIS,
  snapshotSchema,
  workAnswerSchema,
} from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.ts'
import { connect } from '../database.ts'
import { freshId, startApi, type TestApi, uuid, type Wanted } from '../../testing/test-api.ts'

let database: FreshDatabase
let nodes: [TestApi, TestApi]
let bus: Redis
const hinted: string[] = []

beforeAll(async () => {
  database = await freshDatabase()
  bus = new Redis(process.env['TEST_REDIS_URL'] ?? '')
  bus.on('messageBuffer', (channel: Buffer, sealed: Buffer) => {
    const message = nodes[0]?.node.seal.open(channel.toString(), sealed)
    const parsed = parseWorkMessage(String(message))
    if (parsed.ok) hinted.push(...parsed.value)
  })
  await bus.subscribe(REDIS.workChannel)
  const env = { LEASES_INTERVAL_MS: '50', MAX_ATTEMPTS: '2' }
  nodes = [await startApi({ databaseUrl: database.url, env }), await startApi({ databaseUrl: database.url, env })]
})

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()))
  bus.disconnect()
  await database.drop()
})

const [api, other] = [() => nodes[0], () => nodes[1]]

/** A space with a bot in it, its owner's token and its own, and somebody who asks. */
async function newBot(visibility: 'public' | 'private' = 'public', wakes = 'mention') {
  const space = freshId('asked')
  const bot = freshId('bot')
  const owner = await api().signIn('Owner')
  await api().mutate(
    owner.token,
    { space, name: 'space.create', args: { name: 'Asked', visibility } },
    { space, name: 'being.create', args: { id: bot, type: 'bot', name: 'Bot', properties: { wakes } } },
    { space, name: 'member.put', args: { being: bot, role: 'member' } },
  )
  return { space, bot, owner, token: await tokenOf(owner.token, bot) }
}

async function tokenOf(owner: string, bot: string): Promise<string> {
  const { status, body } = await api().ask('POST', '/v1/sessions', { token: owner, body: { being: bot } })
  expect(status).toBe(201)
  return postSessionAnswerSchema.parse(body).token
}

const say = (space: string, text: string): Wanted => ({
  space,
  name: 'intention.create',
  args: { id: uuid(), type: 'utterance', content: [text] },
})

async function intentionsOf(token: string, space: string): Promise<Intention[]> {
  const { body } = await other().ask('GET', `/v1/spaces/${space}`, { token })
  return snapshotSchema.parse(body).intentions
}

async function workOf(token: string, query = ''): Promise<Intention[]> {
  const { status, body } = await other().ask('GET', `/v1/work${query}`, { token })
  expect(status).toBe(200)
  return workAnswerSchema.parse(body).work
}

const codesOf = (results: readonly MutationResult[]): string[] =>
  results.map(({ status, error }) => error?.code ?? status)

const append = (space: string, id: string, fence: number, at: number, text: string): Wanted => ({
  space,
  name: 'intention.append',
  args: { id, text, at, fence },
})

test('A73 the transaction of an utterance makes the replies that it asks for, and the bot is told where it waits', async () => {
  const { space, bot, owner, token } = await newBot()
  const [result] = await api().mutate(owner.token, say(space, `a question, @${bot.slice(1)}`))
  const [utterance, reply] = await intentionsOf(owner.token, space)
  expect(utterance).toMatchObject({ replyTo: null, claim: null, rev: result?.version })
  expect(reply).toMatchObject({ owner: bot, state: 'draft', replyTo: utterance?.id, claim: null, attempt: 1 })
  expect(await workOf(token)).toEqual([reply])
  await eventually('the hint is published', () => hinted.includes(bot))
})

test('A74 of many claims on two nodes one wins; what its holder streams is there once, and ends with it', async () => {
  const { space, bot, owner, token } = await newBot()
  await api().mutate(owner.token, say(space, bot))
  const [work] = await workOf(token)
  const id = work?.id ?? ''
  const claims = await Promise.all(
    Array.from({ length: 16 }, (_, n) =>
      nodes[n % 2 === 0 ? 0 : 1].mutate(n % 3 === 0 ? owner.token : token, {
        space,
        name: 'intention.claim',
        args: { id, leaseMs: 60_000, fence: 0 },
      }),
    ),
  )
  const won = claims.flat().filter(({ status }) => status === 'applied')
  expect(won).toHaveLength(1)
  const fence = won[0]?.version ?? 0
  expect(await workOf(token)).toEqual([])
  const held = (await intentionsOf(owner.token, space)).at(-1)
  expect(held?.claim).toMatchObject({ fence })
  const again: Wanted = { space, name: 'intention.claim', args: { id, leaseMs: 120_000 } }
  const holder = held?.claim?.by === bot ? token : owner.token
  expect(codesOf(await api().mutate(holder, again))).toEqual(['applied'])
  expect(codesOf(await api().mutate(holder === token ? owner.token : token, again))).toEqual(['taken'])
  expect((await intentionsOf(owner.token, space)).at(-1)?.claim).toMatchObject({ by: held?.claim?.by, fence })
  const wrote = await Promise.all(nodes.map((node) => node.mutate(token, append(space, id, fence, 0, 'Well, '))))
  expect(codesOf(wrote.flat())).toEqual(['applied', 'applied'])
  expect(
    codesOf(await api().mutate(token, append(space, id, fence, 9, 'x'), append(space, id, fence + 1, 6, 'x'))),
  ).toEqual(['gap', 'fenced'])
  const end: Wanted = { space, name: 'intention.update', args: { id, state: 'complete', fence } }
  expect(codesOf(await api().mutate(token, append(space, id, fence, 6, 'yes.'), end))).toEqual(['applied', 'applied'])
  expect((await intentionsOf(owner.token, space)).at(-1)).toMatchObject({
    ...{ state: 'complete', content: ['Well, yes.'], claim: null },
  })
})

test('A75 a claim whose lease ran out is taken away by the leader, told in the log, and after the last attempt it has failed', async () => {
  const { space, bot, owner, token } = await newBot()
  await api().mutate(owner.token, say(space, bot))
  const id = (await workOf(token))[0]?.id ?? ''
  const attempt = async (): Promise<number> => {
    const [claimed] = await api().mutate(token, { space, name: 'intention.claim', args: { id, leaseMs: 1500 } })
    const fence = claimed?.version ?? 0
    await api().mutate(token, append(space, id, fence, 0, 'half a'))
    return fence
  }
  const stale = await attempt()
  hinted.length = 0
  await eventually('it waits again', async () => (await workOf(token)).length === 1)
  expect((await workOf(token))[0]).toMatchObject({ attempt: 2, content: [], former: ['half a'], claim: null })
  await eventually('the bot is told', () => hinted.includes(bot))
  expect(codesOf(await api().mutate(token, append(space, id, stale, 0, 'late')))).toEqual(['fenced'])
  await attempt()
  await eventually('it has failed', async () => (await intentionsOf(owner.token, space)).at(-1)?.state === 'failed')
  expect((await intentionsOf(owner.token, space)).at(-1)?.reason).toMatch(/2 attempts/)
  const [again] = await api().mutate(owner.token, { space, name: 'intention.retry', args: { id } })
  expect(again).toMatchObject({ status: 'applied' })
  expect(await workOf(token)).toMatchObject([{ id, attempt: 1 }])
})

test('A75 the lease runs from the last append', async () => {
  const { space, bot, owner, token } = await newBot()
  await api().mutate(owner.token, say(space, bot))
  const id = (await workOf(token))[0]?.id ?? ''
  const [claimed] = await api().mutate(token, { space, name: 'intention.claim', args: { id, leaseMs: 2000 } })
  const fence = claimed?.version ?? 0
  const until = (await intentionsOf(owner.token, space)).at(-1)?.claim?.until ?? 0
  await api().mutate(token, append(space, id, fence, 0, 'a'))
  const after = (await intentionsOf(owner.token, space)).at(-1)?.claim?.until ?? 0
  expect(after).toBeGreaterThan(until)
})

test('A76 work is listed over all spaces that the bot may read, oldest first, and a page is bounded', async () => {
  const { space, bot, owner, token } = await newBot()
  const closed = freshId('closed')
  await api().mutate(
    owner.token,
    { space: closed, name: 'space.create', args: { name: 'Closed', visibility: 'private' } },
    { space: closed, name: 'member.put', args: { being: bot, role: 'member' } },
  )
  await api().mutate(owner.token, say(space, `${bot} one`), say(space, `${bot} two`))
  await api().mutate(token, { space: closed, name: 'being.move', args: { id: bot } })
  await api().mutate(owner.token, say(closed, `${bot} three`))
  expect((await workOf(token)).map(({ location }) => location)).toEqual([space, space, closed])
  expect(await workOf(token, '?limit=2')).toHaveLength(2)
  await api().mutate(owner.token, { space: closed, name: 'member.remove', args: { being: bot } })
  expect((await workOf(token)).map(({ location }) => location)).toEqual([space, space])
  expect(await workOf(owner.token)).toEqual([])
  expect((await api().ask('GET', '/v1/work')).status).toBe(401)
})

test('A76 a bot that is banned gets no work there and claims none, until the ban is taken back', async () => {
  const { space, bot, owner, token } = await newBot()
  await api().mutate(owner.token, say(space, bot))
  const [work] = await workOf(token)
  const claim: Wanted = { space, name: 'intention.claim', args: { id: work?.id ?? '', leaseMs: 60_000 } }
  const roleOf = (role: 'banned' | 'member'): Wanted => ({ space, name: 'member.put', args: { being: bot, role } })
  await api().mutate(owner.token, roleOf('banned'))
  expect(await workOf(token)).toEqual([])
  expect(codesOf(await api().mutate(token, claim))).toEqual(['not-found'])
  await api().mutate(owner.token, roleOf('member'))
  expect(await workOf(token)).toHaveLength(1)
  expect(codesOf(await api().mutate(token, { ...claim }))).toEqual(['applied'])
})

test('A76 what waits in a history that is not shown is no work, and a lease that runs out there tells none of it', async () => {
  const { space, bot, owner, token } = await newBot('private')
  await api().mutate(owner.token, say(space, `${bot} planted`), say(space, `${bot} planted again`))
  const [work] = await workOf(token)
  const id = work?.id ?? ''
  const [claimed] = await api().mutate(token, { space, name: 'intention.claim', args: { id, leaseMs: 1500 } })
  await api().mutate(token, append(space, id, claimed?.version ?? 0, 0, 'planted'))
  const update = { name: 'space.update', args: { visibility: 'public', history: 'hide' } } as const
  const [opened] = await api().mutate(owner.token, { space, ...update })
  expect(await workOf(token)).toEqual([])
  const { body } = await api().ask('GET', `/v1/spaces/${space}`, { token: owner.token })
  const { epoch } = snapshotSchema.parse(body)
  const changes = async () => {
    const path = `/v1/spaces/${space}/changes?epoch=${epoch}&after=${opened?.version ?? 0}`
    return changesAnswerSchema.parse((await api().ask('GET', path, { token: owner.token })).body).changes
  }
  await eventually('the lease ran out', async () => (await changes()).length > 0)
  expect(JSON.stringify(await changes())).not.toContain('planted')
  expect(await workOf(token)).toEqual([])
})

test('A77 the owner of a bot gets sessions of it; nobody else does, and it answers them as if it were not there', async () => {
  const { bot, owner, token } = await newBot()
  const { body } = await api().ask('GET', '/v1/sessions/current', { token })
  expect(body).toMatchObject({ being: { id: bot, type: 'bot', owner: owner.being.id } })
  const stranger = await api().signIn('Stranger')
  const ask = (asker: string | undefined, being: string) =>
    api().ask('POST', '/v1/sessions', { body: { being }, ...(asker === undefined ? {} : { token: asker }) })
  const refused = await ask(stranger.token, bot)
  const missing = await ask(stranger.token, bot.replace('bot', 'bat'))
  expect(refused.status).toBe(404)
  expect(JSON.stringify(refused.body).replaceAll('@bot', '@bat')).toBe(JSON.stringify(missing.body))
  expect((await ask(owner.token, stranger.being.id)).status).toBe(404)
  expect((await ask(undefined, bot)).status).toBe(401)
  const both = await api().ask('POST', '/v1/sessions', { token: owner.token, body: { being: bot, name: 'x' } })
  expect([both.status, both.body]).toMatchObject([400, { path: 'being' }])
})

test('A78 who asked stops a reply from any device, and its holder writes no more', async () => {
  const { space, bot, owner, token } = await newBot()
  const asker = await api().signIn('Asker')
  await api().mutate(asker.token, { space, name: 'being.move', args: { id: asker.being.id } }, say(space, bot))
  const id = (await workOf(token))[0]?.id ?? ''
  const [claimed] = await api().mutate(token, { space, name: 'intention.claim', args: { id, leaseMs: 60_000 } })
  const cancel: Wanted = { space, name: 'intention.update', args: { id, state: 'cancelled' } }
  const bystander = await api().signIn('Bystander')
  expect(codesOf(await api().mutate(bystander.token, cancel))).toEqual(['forbidden'])
  expect(codesOf(await other().mutate(asker.token, cancel))).toEqual(['applied'])
  expect(codesOf(await api().mutate(token, append(space, id, claimed?.version ?? 0, 0, 'x')))).toEqual(['fenced'])
  expect((await intentionsOf(owner.token, space)).at(-1)).toMatchObject({ state: 'cancelled', claim: null })
})

test('A79 with Redis away a reply waits all the same, and is found by asking', async () => {
  const { space, bot, owner, token } = await newBot()
  const away = await startApi({ databaseUrl: database.url, env: { REDIS_URL: 'redis://127.0.0.1:1' } })
  try {
    await away.mutate(owner.token, say(space, bot))
    expect(await workOf(token)).toHaveLength(1)
  } finally {
    await away.stop()
  }
})

test('A400 what is streamed is kept in pieces, of which each append reads and writes its own; it is read whole at every version', async () => {
  const { space, bot, owner, token } = await newBot()
  await api().mutate(owner.token, say(space, bot))
  const id = (await workOf(token))[0]?.id ?? ''
  const [claimed] = await api().mutate(token, { space, name: 'intention.claim', args: { id, leaseMs: 60_000 } })
  const fence = claimed?.version ?? 0
  const connection = await connect({ url: database.url, deadlineMs: 10_000, name: 'replies' })
  const row = async () => {
    const [held] = await connection.sql<{ content: string[]; tail: string; place: string }[]>`
      select content, tail, pg_column_toast_chunk_id(content)::text as place from intentions where id = ${id}`
    if (held === undefined) throw new Error('it is gone')
    return held
  }
  const written = async () => (await intentionsOf(owner.token, space)).at(-1)?.content
  try {
    let text = randomBytes(6000).toString('base64')
    const first = append(space, id, fence, 0, text)
    expect(codesOf(await api().mutate(token, first))).toEqual(['applied'])
    const before = await row()
    expect(before).toMatchObject({ tail: '', place: expect.any(String) })
    // Of both nodes, since nothing of it is in the memory of one.
    const add = async (nth: number, piece: string): Promise<string[]> => {
      const codes = codesOf(
        await (nth % 2 === 0 ? api() : other()).mutate(token, append(space, id, fence, text.length, piece)),
      )
      text += piece
      return codes
    }
    for (let nth = 0; nth < 20; nth += 1) {
      expect(await add(nth, `, né ${nth}`)).toEqual(['applied'])
      expect(await written()).toEqual([text])
    }
    const after = await row()
    expect(after).toEqual({ ...before, tail: text.slice((before.content[0] ?? '').length) })
    const refused = [
      append(space, id, fence, text.length - 3, text.slice(-3)),
      append(space, id, fence, 100, text.slice(100, 160)),
      append(space, id, fence, text.length + 1, 'x'),
      append(space, id, fence, 100, 'no'),
      append(space, id, fence + 1, text.length, 'x'),
    ]
    for (const one of refused.slice(0, 2)) expect(codesOf(await api().mutate(token, one))).toEqual(['applied'])
    for (const one of refused.slice(2)) expect(codesOf(await api().mutate(token, one))).not.toEqual(['applied'])
    expect(await written()).toEqual([text])
    for (let nth = 0; nth < 5; nth += 1) await add(nth, 'y'.repeat(300))
    const folded = await row()
    expect(folded.place).not.toBe(before.place)
    expect(Buffer.byteLength(folded.tail)).toBeLessThanOrEqual(1024)
    await add(0, `, @${owner.being.id.slice(1)}`)
    await add(1, ' and so on')
    const [named] = await connection.sql<{ mentions: string[] }[]>`
      select to_json(mentions) as mentions from intentions where id = ${id}`
    expect(named?.mentions).toEqual([owner.being.id])
    expect(await written()).toEqual([text])
    const end: Wanted = { space, name: 'intention.update', args: { id, state: 'complete', fence } }
    expect(codesOf(await other().mutate(token, end))).toEqual(['applied'])
    const [told] = await connection.sql<{ content: string[] }[]>`
      select body -> 'content' as content from changes where space = ${space} order by version desc limit 1`
    expect(told?.content).toEqual([text])
    expect(await written()).toEqual([text])
    const [weight] = await connection.sql<{ bytes: number }[]>`
      select bytes + octet_length(tail) as bytes from intentions where id = ${id}`
    expect(weight?.bytes).toBe(Buffer.byteLength(JSON.stringify([text])))
  } finally {
    connection.drop()
  }
})
