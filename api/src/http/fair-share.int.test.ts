/**
 * Of what a node bounds, one address and one actor have a share: they are told to slow down (429) where everybody else
 * is still served, and only the bound of all is a 503.
 */
import { eventually } from '@rhizom/kit/eventually.ts'
import { problemSchema } from '@rhizom/protocol'
import { request as httpRequest } from 'node:http'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { Peer } from '@rhizom/kit/peer.ts'
import { headOf } from '../testing/head-of.ts'
import { freshId, INTERNAL_TOKEN, startApi, type TestApi, uuid } from '../testing/test-api.ts'

let database: FreshDatabase

beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

async function withNode(env: Record<string, string>, work: (node: TestApi) => Promise<void>): Promise<void> {
  const node = await startApi({ databaseUrl: database.url, env })
  try {
    await work(node)
  } finally {
    await node.stop()
  }
}

const metric = async (node: TestApi, name: string): Promise<number> => {
  const text = await (await fetch(`${node.internalUrl}/metrics`)).text()
  return Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1] ?? 0)
}

/** Keeps every write to a space waiting until it is called. */
async function holdUp(space: string): Promise<() => Promise<void>> {
  const sql = postgres(database.url, { max: 1, onnotice: () => undefined })
  const held = await sql.reserve()
  await held`begin`
  await held`select from spaces where id = ${space} for update`
  return async () => {
    await held`rollback`
    held.release()
    await sql.end()
  }
}

const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address })

test('A54 one actor, one address and all together have a share of the requests under way, and no more', async () => {
  const env = {
    TRUST_PROXY: '1',
    MAX_CONCURRENT_REQUESTS: '40',
    ADDRESS_SHARE_PERCENT: '50',
    ACTOR_SHARE_PERCENT: '25',
    DATABASE_DEADLINE_MS: '20000',
  }
  await withNode(env, async (node) => {
    const actors = await Promise.all(Array.from({ length: 6 }, (_, index) => node.signIn(`Actor ${index}`)))
    const [ada, bob, cem, dov, eve, fay] = actors.map(({ token }) => token)
    const space = freshId('space')
    await node.mutate(ada ?? '', { space, name: 'space.create', args: { name: 'Space' } })
    const letGo = await holdUp(space)
    const write = (token: string | undefined, address: string) => {
      const mutation = {
        id: uuid(),
        space,
        name: 'intention.create',
        args: { id: uuid(), type: 'utterance', content: [] },
      }
      return node.ask('POST', '/v1/mutations', {
        token: token ?? '',
        body: { mutations: [mutation] },
        headers: from(address),
      })
    }
    const look = (token: string | undefined, address: string) =>
      node.ask('GET', '/v1/sessions/current', { token: token ?? '', headers: from(address) })
    const under = (count: number) =>
      eventually('requests are under way', async () => (await metric(node, 'rhizom_api_requests_under_way')) === count)
    const expectRefusal = ({ status, body, headers }: Awaited<ReturnType<typeof look>>, of: string): void => {
      const { code, detail, retryAfterMs } = problemSchema.parse(body)
      expect([status, code, retryAfterMs, headers.get('retry-after')]).toEqual([429, 'rate-limited', 1000, '1'])
      expect(detail).toContain(of)
    }
    const many = (token: string | undefined, address: string) => Array.from({ length: 10 }, () => write(token, address))
    const waiting: ReturnType<typeof write>[] = []
    try {
      waiting.push(...many(ada, '192.0.2.1'))
      await under(10)
      // Far beyond it, from wherever: a hundred more are refused, and cost nobody anything.
      const more = await Promise.all(Array.from({ length: 100 }, (_, index) => look(ada, `192.0.2.${index}`)))
      for (const answer of more) expectRefusal(answer, 'actor')
      expect((await look(bob, '192.0.2.1')).status).toBe(200)

      waiting.push(...many(bob, '192.0.2.1'))
      await under(20)
      expectRefusal(await look(cem, '192.0.2.1'), 'address')
      expectRefusal(
        await node.ask('POST', '/v1/sessions', { body: { name: 'x' }, headers: from('192.0.2.1') }),
        'address',
      )
      expect((await look(cem, '192.0.2.2')).status).toBe(200)

      waiting.push(...many(cem, '192.0.2.2'), ...many(dov, '192.0.2.3'))
      await under(40)
      const refused = await look(eve, '192.0.2.4')
      expect([refused.status, problemSchema.parse(refused.body).code]).toEqual([503, 'unavailable'])
      expect((await node.ask('GET', '/healthz')).status).toBe(200)
      expect((await node.ask('GET', '/internal/revoked', { token: INTERNAL_TOKEN })).status).toBe(503)
    } finally {
      await letGo()
    }
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array(40).fill(200))
    await under(0)
    expect((await look(fay, '192.0.2.1')).status).toBe(200)
    expect(await metric(node, 'rhizom_api_turned_away_total{what="requests",whose="actor"}')).toBe(100)
  })
})

test('A54 a gateway has no share: the address it calls from may have used up its own', async () => {
  await withNode({ MAX_CONCURRENT_REQUESTS: '4', DATABASE_DEADLINE_MS: '20000' }, async (node) => {
    // One after the other: of four requests an address has two.
    const [ada, bob, cem] = [await node.signIn('Ada'), await node.signIn('Bob'), await node.signIn('Cem')]
    const space = freshId('space')
    await node.mutate(ada.token, { space, name: 'space.create', args: { name: 'Space' } })
    const letGo = await holdUp(space)
    const writes = [ada, bob].map((who) =>
      node.ask('POST', '/v1/mutations', {
        token: who.token,
        body: { mutations: [{ id: uuid(), space, name: 'space.update', args: { name: 'x' } }] },
      }),
    )
    try {
      await eventually(
        'two requests are under way',
        async () => (await metric(node, 'rhizom_api_requests_under_way')) === 2,
      )
      expect((await node.ask('GET', '/v1/spaces', { token: cem.token })).status).toBe(429)
      expect((await node.ask('GET', '/internal/revoked', { token: INTERNAL_TOKEN })).status).toBe(200)
    } finally {
      await letGo()
    }
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual([200, 200])
  })
})

/** Asks from a loopback address of one's choice; the status, or what went wrong. */
const askFrom = (node: TestApi, address: string): Promise<number | string> =>
  new Promise((resolve) => {
    const request = httpRequest(`${node.url}/healthz`, { localAddress: address, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', (error) => resolve(error.message))
    request.end()
  })

const stillOpen = (connections: readonly Peer[]): number => connections.filter(({ isClosed }) => !isClosed).length

test('A55 silent connections of one address do not take all there are, and beyond all of them nobody is let in', async () => {
  await withNode({ MAX_CONNECTIONS: '40' }, async (node) => {
    const silent = await Peer.openMany(node.url, 300)
    await eventually('its share of connections is open', () => stillOpen(silent) === 20)
    expect(await askFrom(node, '127.0.0.1')).not.toBe(200)
    expect(await askFrom(node, '127.0.0.2')).toBe(200)
    const others = await Peer.openMany(node.url, 300, { from: '127.0.0.3' })
    await eventually('the share of others is open', () => stillOpen(others) === 20)
    expect(stillOpen(silent)).toBe(20)
    expect(await askFrom(node, '127.0.0.2')).not.toBe(200)
    for (const { socket } of [...silent, ...others]) socket.destroy()
    await eventually('the address is let in again', async () => (await askFrom(node, '127.0.0.1')) === 200)
    const turnedAway = 'rhizom_api_turned_away_total{what="connections",whose='
    expect(await metric(node, `${turnedAway}"address"}`)).toBeGreaterThanOrEqual(280)
    expect(await metric(node, `${turnedAway}"all"}`)).toBeGreaterThan(0)
  })
})

test('A55 behind a proxy all connections are its own, and are not counted by address', async () => {
  await withNode({ MAX_CONNECTIONS: '40', TRUST_PROXY: '1' }, async (node) => {
    const connections = await Peer.openMany(node.url, 300)
    await eventually('what is too many is closed', () => stillOpen(connections) <= 40)
    expect(stillOpen(connections)).toBe(40)
    for (const { socket } of connections) socket.destroy()
  })
})

test('A56 bytes of bodies, whole or not, are bounded for all, an address and an actor', async () => {
  const env = {
    TRUST_PROXY: '1',
    MAX_BODY_BYTES: '65536',
    MAX_BYTES_OF_BODIES: '262144',
    ADDRESS_SHARE_PERCENT: '50',
    ACTOR_SHARE_PERCENT: '25',
  }
  await withNode(env, async (node) => {
    const actors = await Promise.all(Array.from({ length: 6 }, (_, index) => node.signIn(`Actor ${index}`)))
    const tokens = actors.map(({ token }) => token)
    const half: Peer[] = []
    /** Sends most of a body, and then nothing. */
    const begin = async (token: string | undefined, address: string): Promise<void> => {
      const before = await metric(node, 'rhizom_api_body_bytes')
      const connection = await Peer.open(node.url)
      half.push(connection)
      const head = headOf('/v1/mutations', 60_000, { Authorization: `Bearer ${token}`, 'X-Forwarded-For': address })
      void connection.send(head + ' '.repeat(59_000))
      await eventually(
        'the bodies are on their way',
        async () => (await metric(node, 'rhizom_api_body_bytes')) === before + 59_000,
      )
    }
    const send = async (token: string | undefined, address: string) => {
      const body = `${' '.repeat(59_000)}{"mutations":7}`
      const answer = await node.ask('POST', '/v1/mutations', { token: token ?? '', body, headers: from(address) })
      const { code, detail } = problemSchema.parse(answer.body)
      return [answer.status, code, /actor|address/.exec(detail)?.[0]]
    }
    await begin(tokens[0], '192.0.2.1')
    expect(await send(tokens[0], '192.0.2.9')).toEqual([429, 'rate-limited', 'actor'])
    expect(await send(tokens[1], '192.0.2.1')).toEqual([400, 'malformed', undefined])
    await begin(tokens[1], '192.0.2.1')
    expect(await send(tokens[2], '192.0.2.1')).toEqual([429, 'rate-limited', 'address'])
    expect(await send(tokens[2], '192.0.2.2')).toEqual([400, 'malformed', undefined])
    await begin(tokens[2], '192.0.2.2')
    await begin(tokens[3], '192.0.2.2')
    expect(await send(tokens[4], '192.0.2.3')).toEqual([503, 'unavailable', undefined])
    // Small ones fit in between: whoever signs in or writes a line is not held up.
    expect((await node.ask('POST', '/v1/sessions', { body: { name: 'x' }, headers: from('192.0.2.3') })).status).toBe(
      201,
    )
    for (const { socket } of half) socket.destroy()
    await eventually('no body is held any more', async () => (await metric(node, 'rhizom_api_body_bytes')) === 0)
    expect(await send(tokens[0], '192.0.2.1')).toEqual([400, 'malformed', undefined])
  })
})
