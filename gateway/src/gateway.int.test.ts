/** A whole gateway over real sockets and the real Redis; the log behind it is held in memory. */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { eventually } from '@rhizom/kit/eventually.ts'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, get, IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { utterance } from './testing/log-server.ts'
import { tokenFor } from './testing/test-client.ts'
import { TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
const start = async (env: Record<string, string> = {}): Promise<TestGateway> => {
  await gateway?.stop()
  gateway = await TestGateway.start(env)
  return gateway
}

beforeEach(async () => {
  gateway = await TestGateway.start()
})
afterEach(() => gateway.stop())

describe('a session', () => {
  test('G1 a client that says nothing is closed with 4001', async () => {
    await start({ HELLO_TIMEOUT_MS: '50' })
    const client = await gateway.stranger()
    expect(await client.hasClosed()).toEqual({ code: 4001, reason: 'hello timed out' })
  })

  test('G2 frames before hello, a bad token and an expired one are closed with their codes', async () => {
    const early = await gateway.stranger()
    early.send({ type: 'ping' })
    expect(await early.next('error')).toMatchObject({ code: 'not-authenticated' })
    expect((await early.hasClosed()).code).toBe(4501)
    const forged = await gateway.stranger()
    forged.send({ type: 'hello', protocol: 1, token: await tokenFor('@ada', 60, 'another secret, as long as ours is') })
    expect((await forged.hasClosed()).code).toBe(4501)
    const late = await gateway.stranger()
    late.send({ type: 'hello', protocol: 1, token: await tokenFor('@ada', -5) })
    expect((await late.hasClosed()).code).toBe(4003)
  })

  test('G3 hello and subscribe in one message are answered in order', async () => {
    const space = gateway.server.space()
    const client = await gateway.stranger()
    client.send({ type: 'hello', protocol: 1, token: await tokenFor('@ada') }, { type: 'subscribe', space: space.id })
    await client.next('snapshot')
    expect(client.frames.slice(0, 2).map(({ type }) => type)).toEqual(['welcome', 'snapshot'])
  })

  test('G4 a session ends with its token unless it is refreshed', async () => {
    const token = await tokenFor('@ada', 2)
    const [kept, lost] = await Promise.all([gateway.stranger(), gateway.stranger()])
    for (const client of [kept, lost]) client.send({ type: 'hello', protocol: 1, token })
    await kept.next('welcome')
    kept.send({ type: 'refresh', token: await tokenFor('@ada', 60) })
    expect((await lost.hasClosed()).code).toBe(4003)
    kept.send({ type: 'ping' })
    await kept.next('pong')
  })

  test('G7 heartbeats carry the heads of what a client follows', async () => {
    await start({ HEARTBEAT_MS: '50' })
    const space = gateway.server.space()
    const client = await gateway.client()
    await client.subscribed(space.id)
    const from = Date.now()
    await gateway.publish(space.id, space.commit(utterance(space.id, 'hi')))
    await client.next('changes')
    const beat = await client.next('heartbeat')
    expect(beat.heads).toEqual({ [space.id]: 1 })
    expect(beat.at).toBeGreaterThanOrEqual(from)
    expect(beat.at).toBeLessThanOrEqual(Date.now())
  })

  test('G7 heartbeats say that the api gives no answer, for as long as it gives none', async () => {
    await start({ HEARTBEAT_MS: '50', HEADS_CHECK_MS: '50', HEADS_POLL_MS: '50' })
    const client = await gateway.client()
    const says = async (): Promise<boolean | undefined> => (await client.next('heartbeat')).apiAway
    expect(await says()).toBe(undefined)
    gateway.server.isAway = true
    await eventually('it is said', says)
    gateway.server.isAway = false
    await eventually('it is said no more', async () => (await says()) === undefined)
  })

  test('G6 a signal reaches every watcher, and nobody who comes later', async () => {
    const space = gateway.server.space()
    const [ada, bob] = await Promise.all([gateway.client('@ada'), gateway.client('@bob')])
    await Promise.all([ada.subscribed(space.id), bob.subscribed(space.id)])
    ada.send({ type: 'signal', space: space.id, name: 'typing', data: { on: true } })
    const signal = { type: 'signal', space: space.id, from: '@ada', name: 'typing', data: { on: true } }
    expect(await bob.next('signal')).toEqual(signal)
    expect(await ada.next('signal')).toEqual(signal)
    const eve = await gateway.client('@eve')
    await eve.subscribed(space.id)
    eve.send({ type: 'ping' })
    await eve.next('pong')
    expect(eve.frames.map(({ type }) => type)).not.toContain('signal')
  })
})

describe('what is let in', () => {
  test('G21 a malformed line is answered and does not cost its neighbours; ten in a row close with 4500', async () => {
    const client = await gateway.client()
    client.socket.send('{"type":"ping"}\nnot json\n\n{"type":"wave"}\n{"type":"subscribe"}\n{"type":"ping"}')
    await client.next('pong')
    expect(await client.next('error')).toMatchObject({ code: 'malformed' })
    expect(await client.next('error')).toMatchObject({ code: 'malformed', message: expect.stringContaining('space') })
    await client.next('pong')
    for (let i = 0; i < 5; i++) client.socket.send('{')
    for (let i = 0; i < 5; i++) client.socket.send(Buffer.from([1, 2, 3]), { binary: true })
    expect((await client.hasClosed()).code).toBe(4500)
  })

  test('G22 a frame over the size is answered too-large and closed with 4504, one within is served', async () => {
    const client = await gateway.client()
    const padded = (bytes: number): string => {
      const frame = JSON.stringify({ type: 'ping', padding: '' })
      return JSON.stringify({ type: 'ping', padding: 'x'.repeat(bytes - frame.length) })
    }
    client.socket.send(padded(64 * 1024))
    await client.next('pong')
    client.socket.send(padded(64 * 1024 + 1))
    expect(await client.next('error')).toMatchObject({ code: 'too-large' })
    expect((await client.hasClosed()).code).toBe(4504)
  })

  test('G81 messages of nothing but line ends, and pings of the transport, are counted and close who goes on', async () => {
    const [blank, pinging, bystander] = await Promise.all(
      ['@blank', '@pinging', '@ada'].map((id) => gateway.client(id)),
    )
    blank?.socket.send('\n'.repeat(1024 * 1024 - 1))
    for (let count = 0; count < 20_000; count++) pinging?.socket.ping(Buffer.alloc(125))
    for (const client of [blank, pinging]) {
      expect(await client?.next('error')).toMatchObject({ code: 'rate-limited', retryAfterMs: expect.any(Number) })
      expect((await client?.hasClosed())?.code).toBe(4504)
    }
    bystander?.send({ type: 'ping' })
    expect(await bystander?.next('pong')).toEqual({ type: 'pong' })
  })

  test.each([33, 2_000, 32_000])('G82 JSON nested %i deep ends no gateway, before hello and after', async (depth) => {
    const nest = '['.repeat(depth) + ']'.repeat(depth)
    const frames = [
      `{"type":"presence","space":"@a","state":{"a":${nest}}}`,
      `{"type":"signal","space":"@a","name":"x","data":{"a":${nest}}}`,
      `{"type":"hello","protocol":1,"token":${nest}}`,
      `{"type":"dance","x":${nest}}`,
    ]
    const bystander = await gateway.client('@bystander')
    for (const text of frames) {
      const stranger = await gateway.stranger()
      stranger.socket.send(text)
      const client = await gateway.client('@ada')
      client.socket.send(text)
      client.send({ type: 'ping' })
      if (!text.includes('dance') || depth > 60) expect(await client.next('error')).toMatchObject({ code: 'malformed' })
      expect(await client.next('pong')).toEqual({ type: 'pong' })
    }
    bystander.send({ type: 'ping' })
    expect(await bystander.next('pong')).toEqual({ type: 'pong' })
    expect(gateway.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('G20 a flood is refused first and closed with 4504 if it goes on', async () => {
    const client = await gateway.client()
    for (let i = 0; i < 300; i++) client.send({ type: 'ping' })
    expect(await client.next('error')).toMatchObject({ code: 'rate-limited', retryAfterMs: expect.any(Number) })
    expect((await client.hasClosed()).code).toBe(4504)
    expect(client.frames.filter(({ type }) => type === 'pong').length).toBeGreaterThanOrEqual(99)
  })

  test('G23 a page of another origin is closed with 4503, one of the same host is not', async () => {
    const foreign = await gateway.stranger({ origin: 'https://evil.test' })
    expect((await foreign.hasClosed()).code).toBe(4503)
    const own = await gateway.stranger({ origin: gateway.url })
    own.send({ type: 'hello', protocol: 1, token: await tokenFor('@ada') })
    await own.next('welcome')
  })

  test('G24 connections of one address are bounded, and room is made by those who leave', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '2', TRUST_PROXY: '1' })
    const from = (address: string) => gateway.stranger({ headers: { 'x-forwarded-for': address } })
    const first = await from('1.1.1.1')
    await from('1.1.1.1')
    const third = await from('1.1.1.1')
    expect((await third.hasClosed()).code).toBe(4504)
    const other = await from('2.2.2.2')
    other.send({ type: 'hello', protocol: 1, token: await tokenFor('@ada') })
    await other.next('welcome')
    first.terminate()
    await eventually('the first is gone', async () => (await gateway.metric('connections')) === 2)
    const next = await from('1.1.1.1')
    next.send({ type: 'hello', protocol: 1, token: await tokenFor('@ada') })
    await next.next('welcome')
  })
})

describe('what one person may', () => {
  // Nobody else's: budgets are kept in the Redis that all tests share.
  const [ada = '@a', ben = '@b'] = ['ada', 'ben'].map((name) => `@${name}-${randomUUID()}`)

  test('G24 whatever lines a client sends before those of the proxy, and whatever port it came from, its address counts', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '2', TRUST_PROXY: '1' })
    const authorization = `Bearer ${await tokenFor(ada)}`
    const { id } = gateway.server.space()
    const streams = Array.from({ length: 4 }, (_, n) => {
      const lines = [`10.9.8.${n}`, `192.0.2.7:${4000 + n}`]
      return get(`${gateway.url}/v1/sync/sse?space=${id}`, { headers: { authorization, 'X-Forwarded-For': lines } })
    })
    try {
      const statuses = await Promise.all(
        streams.map(async (stream) => {
          const [response]: unknown[] = await once(stream, 'response')
          return response instanceof IncomingMessage ? response.statusCode : undefined
        }),
      )
      expect(statuses.filter((status) => status === 200)).toHaveLength(2)
      expect(statuses.filter((status) => status === 429)).toHaveLength(2)
    } finally {
      for (const stream of streams) stream.destroy()
    }
  })

  test('G190 a being has a bounded number of connections, from whatever addresses; one more is asked to come back', async () => {
    await start({ MAX_CONNECTIONS_PER_BEING: '2', TRUST_PROXY: '1' })
    const enter = async (being: string, address: string) => {
      const client = await gateway.stranger({ headers: { 'x-forwarded-for': address } })
      client.send({ type: 'hello', protocol: 1, token: await tokenFor(being) })
      return client
    }
    const first = await enter(ada, '1.1.1.1')
    await first.next('welcome')
    await (await enter(ada, '2.2.2.2')).next('welcome')
    const third = await enter(ada, '3.3.3.3')
    expect(await third.next('error')).toMatchObject({ code: 'too-many' })
    expect((await third.hasClosed()).code).toBe(4004)
    await (await enter(ben, '3.3.3.3')).next('welcome')
    first.terminate()
    await eventually('the first is gone', async () => (await gateway.metric('connections')) === 2)
    await (await enter(ada, '3.3.3.3')).next('welcome')
  })

  test('G190 whoever goes while its token is verified is not counted', async () => {
    await start({ MAX_CONNECTIONS_PER_BEING: '2' })
    const token = await tokenFor(ada)
    for (let times = 0; times < 20; times += 1) {
      const socket = { send: () => 'sent' as const, unsentBytes: () => 0, close: () => undefined, cut: () => undefined }
      const handlers = gateway.running.gateway.connect(socket)
      handlers.textReceived(JSON.stringify({ type: 'hello', protocol: 1, token }))
      handlers.closed()
    }
    // Tokens are verified in their order.
    await gateway.client(ben)
    const [first, second] = [await gateway.client(ada), await gateway.client(ada)]
    expect([first.isOpen, second.isOpen]).toEqual([true, true])
  })

  test('G191 signals count for who says them, over all connections, and what is refused goes nowhere', async () => {
    await start({ SIGNALS_PER_SECOND: '1', SIGNALS_BURST: '6' })
    const space = gateway.server.space()
    const clients = await Promise.all(Array.from({ length: 5 }, () => gateway.client(ada)))
    const other = await gateway.client(ben)
    for (const client of [...clients, other]) await client.subscribed(space.id)
    for (const client of clients)
      for (const name of ['a', 'b', 'c']) client.send({ type: 'signal', space: space.id, name })
    const refusals = async () => gateway.metric('budget_total{budget="signals",outcome="refused",kept="here"}')
    await eventually('some are refused', async () => (await refusals()) > 0)
    expect(await clients.at(-1)?.next('error')).toMatchObject({ code: 'rate-limited', space: space.id })
    await eventually('all are decided', async () => (await refusals()) + (await gateway.metric('signals_total')) === 15)
    expect(await gateway.metric('signals_total')).toBeLessThan(12)
    const before = await gateway.metric('signals_total')
    other.send({ type: 'signal', space: space.id, name: 'a' })
    await eventually('the other is heard', async () => (await gateway.metric('signals_total')) > before)
  })

  test('G192 who asked for more bytes of answers than it may is told when to ask again, and what it watches goes on', async () => {
    await start({ SENT_BYTES_PER_SECOND: '1000', SENT_BYTES_BURST: '200000' })
    const [large, small] = [gateway.server.space(), gateway.server.space()]
    large.commit(utterance(large.id, 'one'))
    large.snapshotPadding = 150_000
    const client = await gateway.client(ada)
    await client.subscribed(large.id)
    // Another connection does not give another budget.
    const again = await gateway.client(ada)
    again.send({ type: 'subscribe', space: large.id })
    await again.next('snapshot')
    again.send({ type: 'subscribe', space: small.id })
    const refused = await again.next('error')
    expect(refused).toMatchObject({ code: 'rate-limited', space: small.id })
    expect(refused).toHaveProperty('retryAfterMs', expect.any(Number))
    await gateway.publish(large.id, large.commit(utterance(large.id, 'two')))
    await client.next('changes')
    await (await gateway.client(ben)).subscribed(small.id)
  })

  test('G192 one guest who asks for spaces that are not there has few of them read, over all connections, and holds up nobody', async () => {
    // 200 of them at once, and then hardly any.
    await start({ SENT_BYTES_PER_SECOND: '1', FRAMES_BURST: '1000' })
    const here = gateway.server.space()
    const clients = await Promise.all(Array.from({ length: 10 }, () => gateway.client(ada)))
    for (const [nth, client] of clients.entries())
      for (let none = 0; none < 60; none += 1) {
        client.send({ type: 'subscribe', space: `@none-${nth}-${none}` })
        // One after the other, as somebody does who wants each to cost a read.
        const { code } = await client.next('error')
        expect(['not-found', 'rate-limited']).toContain(code)
      }
    const reads = gateway.server.asked.filter((line) => line.includes('none-')).length
    expect(reads).toBeGreaterThan(100)
    expect(reads).toBeLessThanOrEqual(201)
    await (await gateway.client(ben)).subscribed(here.id)
  })
})

describe('a space', () => {
  test('G12 changes arrive byte for byte and in order, whatever the bus does to them', async () => {
    // However busy the machine is, what comes in disorder comes within this.
    await start({ REORDER_GRACE_MS: '3000' })
    const space = gateway.server.space()
    space.commit(utterance(space.id, 'before'))
    const client = await gateway.client()
    const snapshot = await client.subscribed(space.id)
    expect(snapshot).toMatchObject({ version: 1, entity: { id: space.id }, here: [{ being: '@ada' }], hereCount: 1 })
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((text) => space.commit(utterance(space.id, text)))
    if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined) throw new Error()
    for (const message of [b, a, a, e, c]) await gateway.publish(space.id, message)
    const versions = async (): Promise<number[]> => (await client.next('changes')).changes.map(({ version }) => version)
    const got: number[] = []
    while (got.at(-1) !== 6) got.push(...(await versions()))
    expect(got).toEqual([2, 3, 4, 5, 6])
    expect(client.lines.join('\n')).toContain(new TextDecoder().decode(a).split('\n')[1])
    expect(await gateway.metric('log_reads_total{reason="gap"}')).toBe(1)
  })

  test('G16 a resume from the ring asks the api nothing', async () => {
    const space = gateway.server.space()
    const first = await gateway.client()
    await first.subscribed(space.id)
    for (const text of ['a', 'b', 'c'])
      await gateway.publish(space.id, space.commit(utterance(space.id, text), utterance(space.id, text)))
    while ((await first.next('changes')).to !== 6) continue
    const before = gateway.server.reads(space.id).length
    const second = await gateway.client()
    const resumed = await second.subscribed(space.id, { epoch: space.epoch, version: 3 })
    expect(resumed).toMatchObject({ type: 'resumed', from: 3, to: 6, hereCount: 1 })
    expect(resumed.type === 'resumed' && resumed.changes).toEqual(space.changes.slice(3))
    const head = await second.subscribed(space.id, { epoch: space.epoch, version: 6 })
    expect(head).toMatchObject({ type: 'resumed', from: 6, to: 6, changes: [] })
    expect(gateway.server.reads(space.id).length).toBe(before)
  })

  test('G17 a crowd that comes back costs one read for the space', async () => {
    const space = gateway.server.space()
    for (let i = 0; i < 50; i++) space.commit(utterance(space.id, String(i)))
    const clients = await Promise.all(Array.from({ length: 30 }, () => gateway.client()))
    const answers = await Promise.all(
      clients.map((client, index) => client.subscribed(space.id, { epoch: space.epoch, version: 10 + (index % 7) })),
    )
    for (const answer of answers) expect(answer).toMatchObject({ type: 'resumed', to: 50 })
    expect(gateway.server.reads(space.id).length).toBeLessThanOrEqual(2)
  })

  test('G109 a member who is removed after it left is not here for the rest of the grace', async () => {
    await start({ PRESENCE_GRACE_MS: '60000', PRESENCE_WINDOW_MS: '10', DRAIN_GRACE_MS: '300' })
    const space = gateway.server.space()
    space.visibility = 'private'
    space.readers = new Set(['@ada', '@bob'])
    const ada = await gateway.client('@ada')
    await ada.subscribed(space.id)
    const bob = await gateway.client('@bob')
    await bob.subscribed(space.id)
    bob.terminate()
    await gateway.publish(space.id, space.commit({ kind: 'member.remove', body: { id: '@bob' } }))
    let frame = await ada.next('presence')
    while (frame.left.length === 0) frame = await ada.next('presence')
    expect(frame.left).toEqual(['@bob'])
  })

  test('G31 a member who is removed gets that change and nothing after it', async () => {
    const space = gateway.server.space()
    space.visibility = 'private'
    space.readers = new Set(['@ada', '@bob'])
    const [ada, bob] = await Promise.all([gateway.client('@ada'), gateway.client('@bob')])
    await Promise.all([ada.subscribed(space.id), bob.subscribed(space.id)])
    const remove = { kind: 'member.remove', body: { id: '@bob' } } as const
    await gateway.publish(space.id, space.commit(utterance(space.id, 'a'), remove, utterance(space.id, 'secret')))
    expect(await bob.next('changes')).toMatchObject({ from: 0, to: 2 })
    expect(await bob.next('unsubscribed')).toMatchObject({ code: 'revoked', space: space.id })
    expect(await ada.next('changes')).toMatchObject({ from: 0, to: 2 })
    expect(await ada.next('changes')).toMatchObject({ from: 2, to: 3 })
    bob.send({ type: 'subscribe', space: space.id })
    expect(await bob.next('error')).toMatchObject({ code: 'not-found', space: space.id })
    expect(bob.lines.join()).not.toContain('secret')
  })

  test('G32 G230 a removed space is told, and not found from then on; nobody is here in it any more', async () => {
    await start({ PRESENCE_GRACE_MS: '60000', DRAIN_GRACE_MS: '300' })
    const space = gateway.server.space()
    const client = await gateway.client()
    await client.subscribed(space.id)
    const gone = await gateway.client('@gone')
    await gone.subscribed(space.id)
    gone.terminate()
    expect(await gateway.metric('presence_entries')).toBe(2)
    const message = space.commit({ kind: 'space.remove', body: { id: space.id } })
    gateway.server.spaces.delete(space.id)
    await gateway.publish(space.id, message)
    expect(await client.next('changes')).toMatchObject({ to: 1 })
    expect(await client.next('unsubscribed')).toMatchObject({ code: 'removed', space: space.id })
    expect(await gateway.metric('presence_entries')).toBe(0)
    client.send({ type: 'subscribe', space: space.id })
    expect(await client.next('error')).toMatchObject({ code: 'not-found', space: space.id })
  })

  test('G19 after a rebuilt history everybody starts over from a snapshot', async () => {
    const space = gateway.server.space()
    space.commit(utterance(space.id, 'a'), utterance(space.id, 'b'))
    const client = await gateway.client()
    await client.subscribed(space.id)
    space.epoch = crypto.randomUUID()
    space.version = 1
    space.first = 1
    space.changes = []
    await gateway.publish(space.id, space.commit(utterance(space.id, 'c')))
    expect(await client.next('snapshot')).toMatchObject({ epoch: space.epoch, version: 2 })
  })

  test('G33 while the api is away subscribers are told when to come back, and it heals by itself', async () => {
    await start({ SUBSCRIBE_TIMEOUT_MS: '200', RETRY_BASE_MS: '20', RETRY_MAX_MS: '50' })
    const space = gateway.server.space()
    gateway.server.isAway = true
    const client = await gateway.client()
    client.send({ type: 'subscribe', space: space.id })
    const error = await client.next('error')
    expect(error).toMatchObject({ code: 'unavailable', space: space.id, retryAfterMs: expect.any(Number) })
    client.send({ type: 'subscribe', space: space.id })
    gateway.server.isAway = false
    await client.next('snapshot')
  })

  test('G35 a head on the bus brings a change whose message was lost', async () => {
    const space = gateway.server.space()
    const client = await gateway.client()
    await client.subscribed(space.id)
    space.commit(utterance(space.id, 'lost'))
    await gateway.say('rhizom:heads', JSON.stringify({ [space.id]: space.position }))
    expect(await client.next('changes')).toMatchObject({ from: 0, to: 1 })
  })
})

describe('who runs it', () => {
  test('G71 health, readiness and metrics', async () => {
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    await eventually('it is ready', async () => (await fetch(`${gateway.internalUrl}/readyz`)).status === 200)
    gateway.server.isAway = true
    const response = await fetch(`${gateway.internalUrl}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({
      status: 'not-ready',
      parts: { redis: true, api: false, accepting: true },
    })
    expect(await (await fetch(`${gateway.internalUrl}/metrics`)).text()).toContain('rhizom_gateway_redis_up 1')
    expect((await fetch(`${gateway.url}/elsewhere`)).status).toBe(404)
  })

  test('G150 the port for clients tells nothing of the inside, and the internal one lets nobody in', async () => {
    const nowhere = await (await fetch(`${gateway.url}/nowhere`)).text()
    for (const path of ['/metrics', '/readyz', '/readyz?exclude=redis', '/internal/heads', '/operator/v1/nodes']) {
      const answer = await fetch(`${gateway.url}${path}`)
      expect([path, answer.status, await answer.text()]).toEqual([path, 404, nowhere])
    }
    expect((await fetch(`${gateway.internalUrl}/healthz`)).status).toBe(200)
    for (const path of ['/v1/sync', '/v1/sync/sse', '/internal/heads'])
      expect((await fetch(`${gateway.internalUrl}${path}`)).status).toBe(404)
  })

  test('G150 what is asked at the internal port is answered also while clients are told to go', async () => {
    await start({ DRAIN_HANDOVER_MS: '400' })
    const client = await gateway.client()
    const stopped = gateway.running.stop()
    await client.next('goodbye')
    const answer = await fetch(`${gateway.internalUrl}/readyz`)
    expect([answer.status, await answer.json()]).toMatchObject([503, { parts: { accepting: false } }])
    await stopped
    await expect(fetch(`${gateway.internalUrl}/healthz`)).rejects.toThrow('fetch failed')
  })

  test('G60 stopping says goodbye with a spread, serves on until then and after, closes with 4000, and twice is once', async () => {
    await start({ DRAIN_HANDOVER_MS: '400' })
    const space = gateway.server.space()
    const clients = await Promise.all(Array.from({ length: 20 }, () => gateway.client()))
    await Promise.all(clients.map((client) => client.subscribed(space.id)))
    const stopped = [gateway.running.stop(), gateway.running.stop()]
    const goodbyes = await Promise.all(clients.map((client) => client.next('goodbye')))
    for (const goodbye of goodbyes) expect(goodbye.reconnectAfterMs).toBeLessThanOrEqual(200)
    expect(new Set(goodbyes.map(({ reconnectAfterMs }) => reconnectAfterMs)).size).toBeGreaterThan(5)
    await gateway.publish(space.id, space.commit(utterance(space.id, 'while they go')))
    for (const client of clients) expect(await client.next('changes')).toMatchObject({ to: 1 })
    for (const client of clients) expect((await client.hasClosed()).code).toBe(4000)
    await Promise.all(stopped)
    const late = new RawClient(gateway.url)
    await expect(late.opened()).rejects.toThrow()
  })

  test('G60 a connection that a proxy kept open does not bring a new client into a gateway that stops', async () => {
    await start({ DRAIN_HANDOVER_MS: '300' })
    await Promise.all([gateway.client(), gateway.client()])
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    await new Promise<void>((resolve, reject) => {
      get(`${gateway.url}/healthz`, { agent }, (response) => response.resume().once('end', resolve)).once(
        'error',
        reject,
      )
    })
    const stopped = gateway.running.stop()
    const late = new RawClient(gateway.url, { agent })
    expect((await late.hasClosed()).code).toBe(4000)
    await stopped
  })

  test('G60 what a client cannot be told in time does not hold up the end', async () => {
    await start({ DRAIN_GRACE_MS: '300' })
    const client = await gateway.client()
    client.socket.pause()
    const from = performance.now()
    await gateway.running.stop()
    // A client that reads nothing would hold it up for ever.
    expect(performance.now() - from).toBeLessThan(60_000)
  })
})
