/** The parts together, against a scripted server: connection, watched spaces and the store. */
import { CLOSE, LIMITS, type SpaceId } from '@rhizom/protocol'
import { afterEach, expect, test } from 'vitest'
import { createClient } from './client.ts'
import type { SpaceState } from './core/space-state.ts'
import { aClient, type TestClient, type TestClientOptions } from './testing/a-client.ts'
import { manualEnvironment } from './testing/manual-environment.ts'
import { newId } from './sync/new-id.ts'
import { problem, type ScriptedConnection, ScriptedServer } from './testing/scripted-server.ts'
import { aBeing, anUtterance, plainText, SpaceLog } from './testing/space-log.ts'

let current: TestClient | null = null
afterEach(() => current?.client.disconnect())

function aLobby(id: SpaceId = '@lobby'): SpaceLog {
  const log = new SpaceLog(id)
  log.write({ kind: 'being.put', body: aBeing('@ada', { location: id, name: 'Ada' }) })
  log.write({ kind: 'intention.put', body: anUtterance(id, '@ada', 'hello') })
  return log
}

/** A client that is live and watches the lobby. */
async function live(options: TestClientOptions & { heartbeatMs?: number } = {}) {
  current = aClient(options)
  current.server.heartbeatMs = options.heartbeatMs ?? 20_000
  const log = aLobby()
  current.server.serve(log)
  current.client.watchSpace('@lobby')
  current.client.connect()
  await current.environment.settle()
  return { ...current, log }
}

const texts = ({ content }: SpaceState) => content?.intentions.map((intention) => plainText(intention.content))
const typesOf = ({ received }: ScriptedConnection) => received.map(({ type }) => type)
const say = (log: SpaceLog, text: string) =>
  log.write({ kind: 'intention.put', body: anUtterance(log.id, '@ada', text) })

test('C9 the first frame is hello with the token, and the address carries none', async () => {
  current = aClient()
  const addresses: string[] = []
  const { openSocket } = current.environment
  current.environment.openSocket = (url, handlers) => {
    addresses.push(url)
    return openSocket(url, handlers)
  }
  current.client.connect()
  await current.environment.settle()
  expect(current.server.connection.received[0]).toEqual({ type: 'hello', protocol: 1, token: 'token-1' })
  expect(addresses).toEqual(['ws://rhizom.test/v1/sync'])
})

test('C20 a watched space shows the snapshot and follows what is published', async () => {
  const { client, server, environment, log } = await live()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
  server.publish(log, say(log, 'again'), say(log, 'and again'))
  await environment.settle()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello', 'again', 'and again'])
})

test('C21 a lost change is noticed by the next and fetched by position', async () => {
  const { client, server, environment, log } = await live()
  say(log, 'lost')
  server.publish(log, say(log, 'seen'))
  await environment.settle()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello', 'lost', 'seen'])
  expect(server.connection.received.at(-1)).toMatchObject({ type: 'subscribe', epoch: log.epoch, after: 2 })
})

test('C23 the last change of a quiet space, lost, is revealed by a heartbeat', async () => {
  const { client, server, environment, log } = await live()
  say(log, 'lost')
  server.connection.send({ type: 'heartbeat', at: 1, heads: { '@lobby': 3, '@elsewhere': 9 } })
  await environment.settle()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello', 'lost'])
})

test('C25 after a reconnect every space is asked for from its position, in one message', async () => {
  const { client, server, environment, log } = await live()
  const other = aLobby('@garden')
  server.serve(other)
  client.watchSpace('@garden')
  await environment.settle()
  server.connection.close(1006)
  await environment.settle()
  expect(client.readSpace('@lobby').subscription.status).toBe('paused')
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
  say(log, 'meanwhile')
  await environment.advance(1_000)
  expect(server.connections).toHaveLength(2)
  expect(server.connection.received.slice(1)).toEqual([
    { type: 'subscribe', space: '@lobby', epoch: log.epoch, after: 2, present: true },
    { type: 'subscribe', space: '@garden', epoch: other.epoch, after: 2, present: true },
  ])
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello', 'meanwhile'])
})

test('C22 a new epoch after a reconnect is taken from a snapshot', async () => {
  const { client, server, environment, log } = await live()
  server.connection.close(1006)
  log.restart()
  await environment.advance(1_000)
  expect(client.readSpace('@lobby').content?.position.epoch).toBe(log.epoch)
})

test('C8 a gateway that is away for an hour is found again', async () => {
  const { client, server, environment } = await live()
  server.script = 'refuse'
  server.connection.close(1006)
  await environment.advance(3_600_000)
  const tries = server.connections.length
  // At most one attempt per 200 ms would be thousands; backoff keeps it to hundreds.
  expect(tries).toBeGreaterThan(100)
  expect(tries).toBeLessThan(2_000)
  expect(client.syncStatus().status).toBe('offline')
  server.script = 'serve'
  await environment.advance(20_000)
  expect(client.syncStatus().status).toBe('live')
})

test('C4 a gateway that welcomes and closes at once is not hammered', async () => {
  const { server, environment } = await live()
  server.answersSubscribe = false
  const before = server.connections.length
  for (let round = 0; round < 60; round += 1) {
    if (server.connection.open) server.connection.close(4004)
    await environment.advance(1_000)
  }
  expect(server.connections.length - before).toBeLessThan(20)
})

test('C6 a connection that fell silent is let go of and replaced', async () => {
  const { client, server, environment } = await live()
  await environment.advance(49_000)
  expect(server.connections).toHaveLength(1)
  await environment.advance(3_000)
  expect(server.connections).toHaveLength(2)
  expect(client.syncStatus().status).toBe('live')
})

test('C6 a socket that never opens is given up after 10 s', async () => {
  current = aClient()
  current.server.script = 'ignore'
  current.client.connect()
  await current.environment.advance(9_000)
  expect(current.client.syncStatus().status).toBe('connecting')
  await current.environment.advance(1_000)
  expect(current.client.syncStatus().status).toBe('connecting')
})

test('C7 a connection that answers after waking up is kept', async () => {
  const { server, environment } = await live()
  environment.happen('pageShown')
  await environment.advance(6_000)
  expect(server.connection.received.at(-1)).toEqual({ type: 'ping' })
  expect(server.connections).toHaveLength(1)
})

test('C7 a probe that is not answered replaces the connection', async () => {
  current = aClient()
  const { server, environment, client } = current
  server.script = 'mute'
  client.connect()
  await environment.settle()
  server.connection.send({ type: 'welcome', session: 'deaf', being: '@ada', heartbeatMs: 20_000 })
  await environment.settle()
  expect(client.syncStatus().status).toBe('live')
  server.script = 'serve'
  environment.setOnline(true)
  await environment.advance(6_000)
  expect(server.connections).toHaveLength(2)
})

test('C317 a network that is gone shows as offline within 1 s', async () => {
  current = aClient()
  const { server, environment, client } = current
  server.script = 'mute'
  client.connect()
  await environment.settle()
  server.connection.send({ type: 'welcome', session: 'deaf', being: '@ada', heartbeatMs: 20_000 })
  await environment.settle()
  environment.setOnline(false)
  await environment.advance(1_000)
  expect(client.syncStatus()).toMatchObject({ status: 'offline', reason: 'This device has no network.' })
  server.script = 'serve'
  environment.setOnline(true)
  await environment.advance(11_000)
  expect(client.syncStatus().status).toBe('live')
})

test('C317 where the browser alone thinks that the network is gone, the connection is kept', async () => {
  const { client, server, environment } = await live()
  environment.setOnline(false)
  await environment.advance(1_500)
  expect(client.syncStatus().status).toBe('live')
  expect(server.connections).toHaveLength(1)
})

test('C3 a goodbye is heeded: not before, and then by itself', async () => {
  const { client, server, environment } = await live()
  server.connection.send({ type: 'goodbye', reason: 'draining', reconnectAfterMs: 3_000 })
  await environment.settle()
  server.connection.close(CLOSE.draining.code)
  await environment.settle()
  client.retry()
  await environment.advance(2_900)
  expect(server.connections).toHaveLength(1)
  await environment.advance(1_000)
  expect(server.connections).toHaveLength(2)
})

test('C10 a token is renewed before it expires, kept, and told to the gateway', async () => {
  const { server, environment, renewed } = await live({ expiresInMs: 100_000 })
  server.heartbeatMs = 20_000
  server.route('POST /v1/sessions/current/refresh', () => ({
    status: 200,
    body: { token: 'token-2', expiresAt: environment.dateMs() + 1_000_000, being: aBeing('@ada') },
  }))
  const beating = () => server.connection.send({ type: 'heartbeat', at: 1, heads: {} })
  for (let second = 0; second < 80; second += 10) {
    beating()
    await environment.advance(10_000)
  }
  expect(server.connection.received.at(-1)).toEqual({ type: 'refresh', token: 'token-2' })
  expect(renewed.map(({ token }) => token)).toEqual(['token-2'])
})

test('C5 an expired token is renewed before coming back', async () => {
  const { server, environment } = await live()
  server.route('POST /v1/sessions/current/refresh', () => ({
    status: 200,
    body: { token: 'token-2', expiresAt: environment.dateMs() + 1_000_000, being: aBeing('@ada') },
  }))
  server.connection.close(CLOSE.tokenExpired.code)
  await environment.advance(2_000)
  expect(server.connection.received[0]).toMatchObject({ type: 'hello', token: 'token-2' })
})

test('C11 a session that is over stops the client with signing in as the way out', async () => {
  const { client, server, environment } = await live()
  server.route('POST /v1/sessions/current/refresh', () => ({ status: 401, body: problem(401, 'token-expired') }))
  server.connection.close(CLOSE.tokenExpired.code)
  await environment.advance(2_000)
  expect(client.syncStatus()).toMatchObject({ status: 'error', remedy: 'sign-in' })
})

test('C11 an api that is away does not end the session', async () => {
  const { client, server, environment } = await live()
  let away = true
  server.route('POST /v1/sessions/current/refresh', () =>
    away
      ? 'fail'
      : { status: 200, body: { token: 'token-2', expiresAt: environment.dateMs() + 1_000_000, being: aBeing('@ada') } },
  )
  server.connection.close(CLOSE.tokenExpired.code)
  await environment.advance(10_000)
  expect(client.syncStatus().status).not.toBe('error')
  away = false
  await environment.advance(20_000)
  expect(client.syncStatus().status).toBe('live')
})

/**
 * Timers stand still, as when a device sleeps. The date goes on; of the clock that never goes back some devices say
 * that it did and some that it did not.
 */
function sleep(
  { environment }: TestClient,
  ms: number,
  stands: 'both go on' | 'one clock stands' = 'both go on',
): void {
  environment.stepDate(ms)
  if (stands === 'one clock stands') return
  const awake = environment.nowMs()
  environment.stepDate(-ms)
  environment.nowMs = () => awake + ms
  const { dateMs } = environment
  environment.dateMs = () => dateMs() + ms
}

test.each(['both go on', 'one clock stands'] as const)(
  'C130 a device that wakes up renews a token that is due: %s',
  async (stands) => {
    const parts = await live({ expiresInMs: 100_000 })
    const { server, environment, renewed } = parts
    server.route('POST /v1/sessions/current/refresh', () => ({
      status: 200,
      body: { token: 'token-2', expiresAt: environment.dateMs() + 1_000_000, being: aBeing('@ada') },
    }))
    environment.happen('pageShown')
    await environment.settle()
    expect(server.requests).toEqual([])
    sleep(parts, 90_000, stands)
    environment.happen('pageShown')
    await environment.settle()
    expect(renewed.map(({ token }) => token)).toEqual(['token-2'])
  },
)

/** A refresh that answers like the api: a token of a life of its own, by the date of the server. */
function serveRefresh(
  { server, environment }: TestClient,
  options: { serverAheadMs: number; lifeMs?: number; tellsDate?: boolean },
) {
  const { serverAheadMs, lifeMs = 24 * HOUR_MS, tellsDate = true } = options
  let renewals = 0
  server.route('POST /v1/sessions/current/refresh', () => {
    const serverMs = environment.dateMs() + serverAheadMs
    return {
      status: 200,
      body: { token: `token-${++renewals + 1}`, expiresAt: serverMs + lifeMs, being: aBeing('@ada') },
      headers: tellsDate ? { date: new Date(serverMs).toUTCString() } : {},
    }
  })
  return { renewals: () => renewals }
}

const HOUR_MS = 3_600_000
/** A gateway so quiet that a test of days takes no time. */
const quiet = { heartbeatMs: 1_000 * HOUR_MS }

test.each([-HOUR_MS, HOUR_MS])(
  'C133 a date set by %i ms while an attempt is waited for delays and hurries nothing',
  async (byMs) => {
    const { client, server, environment } = await live()
    server.script = 'refuse'
    server.connection.close(1006)
    await environment.settle()
    const { length } = server.connections
    environment.stepDate(byMs)
    await environment.advance(150)
    expect(server.connections).toHaveLength(length)
    server.script = 'serve'
    await environment.advance(5_000)
    expect(client.syncStatus().status).toBe('live')
  },
)

test('C133 a date set back while a connection is silent does not hide that', async () => {
  const { client, server, environment } = await live()
  environment.stepDate(-HOUR_MS)
  await environment.advance(52_000)
  expect(server.connections).toHaveLength(2)
  expect(client.syncStatus().status).toBe('live')
})

test('C133 a date set back while a mutation waits for its next attempt does not hold it up', async () => {
  const { client, server, environment } = await live()
  server.route('POST /v1/mutations', () => 'fail')
  const outcome = client.mutate('space.update', '@lobby', { name: 'Later' })
  await environment.settle()
  environment.stepDate(-HOUR_MS)
  server.route('POST /v1/mutations', (body) => ({
    status: 200,
    body: {
      results: (body as { mutations: { id: string }[] }).mutations.map(({ id }) => ({
        id,
        status: 'applied',
        version: 3,
      })),
    },
  }))
  await environment.advance(1_000)
  expect(await outcome).toMatchObject({ status: 'applied' })
})

test.each([25, 24 * 365, -12])(
  'C134 a device whose date is %i hours ahead renews as often as any other',
  async (aheadHours) => {
    const parts = await live({ expiresInMs: -1_000, ...quiet })
    const refresh = serveRefresh(parts, { serverAheadMs: -aheadHours * HOUR_MS })
    await parts.environment.advance(HOUR_MS)
    expect(refresh.renewals()).toBe(1)
    await parts.environment.advance(18 * HOUR_MS)
    expect(refresh.renewals()).toBe(1)
    await parts.environment.advance(HOUR_MS)
    expect(refresh.renewals()).toBe(2)
    // What is kept is by the date of this device, so that a page that is loaded anew takes it for what it is.
    const { environment, renewed } = parts
    expect((renewed[0]?.expiresAt ?? 0) - environment.dateMs()).toBeGreaterThan(3 * HOUR_MS)
    expect((renewed[0]?.expiresAt ?? 0) - environment.dateMs()).toBeLessThan(5 * HOUR_MS)
  },
)

test('C134 where the server tells no date, tokens that seem used up are renewed ever more rarely', async () => {
  const parts = await live({ expiresInMs: -1_000, ...quiet })
  const refresh = serveRefresh(parts, { serverAheadMs: -25 * HOUR_MS, tellsDate: false })
  await parts.environment.advance(HOUR_MS)
  expect(refresh.renewals()).toBeGreaterThan(2)
  expect(refresh.renewals()).toBeLessThan(30)
  const before = refresh.renewals()
  await parts.environment.advance(5 * HOUR_MS)
  expect(refresh.renewals() - before).toBeLessThan(80)
})

test('C134 a date set while a token is used neither hurries its renewal nor holds it up', async () => {
  const parts = await live({ expiresInMs: 100_000, ...quiet })
  const refresh = serveRefresh(parts, { serverAheadMs: 0 })
  parts.environment.stepDate(-HOUR_MS)
  await parts.environment.advance(60_000)
  parts.environment.stepDate(3 * HOUR_MS)
  await parts.environment.advance(10_000)
  expect(refresh.renewals()).toBe(0)
  await parts.environment.advance(10_000)
  expect(refresh.renewals()).toBe(1)
})

test('C135 a listener to the status that throws is reported, and the client goes on', async () => {
  current = aClient()
  const { client, server, environment } = current
  server.serve(aLobby())
  const heard: string[] = []
  client.onSyncStatus(() => {
    throw new Error('listener')
  })
  client.onSyncStatus(() => heard.push(client.syncStatus().status))
  client.watchSpace('@lobby')
  client.connect()
  await environment.settle()
  expect(client.syncStatus().status).toBe('live')
  expect(heard.at(-1)).toBe('live')
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
  expect(environment.reports.every((report) => report.includes('Error: listener'))).toBe(true)
  expect(environment.reports.length).toBeGreaterThan(0)
})

test('C135 a socket that cannot be made is an attempt that failed', async () => {
  current = aClient()
  const { client, server, environment } = current
  const { openSocket } = environment
  let refusals = 3
  environment.openSocket = (url, handlers) => {
    if (refusals-- > 0) throw new DOMException('insecure', 'SecurityError')
    return openSocket(url, handlers)
  }
  client.connect()
  await environment.settle()
  expect(client.syncStatus()).toMatchObject({ status: 'connecting', attempt: 1 })
  await environment.advance(10_000)
  expect(client.syncStatus().status).toBe('live')
  expect(server.connections).toHaveLength(1)
})

test('C135 a token is told to the gateway, also where whoever keeps it throws', async () => {
  const onSessionRenewed = () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  const parts = await live({ expiresInMs: 100_000, onSessionRenewed, ...quiet })
  serveRefresh(parts, { serverAheadMs: 0 })
  await parts.environment.advance(80_000)
  expect(parts.server.connection.received).toContainEqual({ type: 'refresh', token: 'token-2' })
})

test('C131 a device that slept past the end of its session stops with signing in as the way out, also without a gateway', async () => {
  const parts = await live({ expiresInMs: 100_000 })
  const { client, server, environment } = parts
  server.route('POST /v1/sessions/current/refresh', () => ({ status: 401, body: problem(401, 'token-expired') }))
  server.script = 'refuse'
  server.connection.close(1006)
  await environment.settle()
  sleep(parts, 200_000)
  environment.happen('pageShown')
  await environment.settle()
  expect(client.syncStatus()).toMatchObject({ status: 'error', remedy: 'sign-in' })
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
})

test('C131 a session found to be over stops the client at once, also where the gateway has not noticed', async () => {
  const parts = await live({ expiresInMs: 100_000 })
  const { client, server, environment } = parts
  server.route('POST /v1/sessions/current/refresh', () => ({ status: 401, body: problem(401, 'token-expired') }))
  sleep(parts, 200_000)
  environment.happen('pageShown')
  await environment.settle()
  expect(client.syncStatus()).toMatchObject({ status: 'error', remedy: 'sign-in' })
  expect(server.connection.open).toBe(false)
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
})

test('C132 whoever was removed is out: no more attempts, signing in is the remedy, and what is unanswered is handed back', async () => {
  const { client, server, environment } = await live()
  server.route('POST /v1/mutations', () => ({ status: 401, body: problem(401, 'not-authenticated') }))
  server.route('POST /v1/sessions/current/refresh', () => ({ status: 401, body: problem(401, 'not-authenticated') }))
  server.connection.send({ type: 'error', code: 'not-authenticated', message: 'Who this was is removed' })
  server.connection.close(CLOSE.notAuthenticated.code, CLOSE.notAuthenticated.reason)
  const outcome = client.mutate('space.update', '@lobby', { name: 'Hall' })
  await environment.settle()
  expect(await outcome).toMatchObject({ status: 'rejected', code: 'not-authenticated' })
  expect(client.syncStatus()).toMatchObject({ status: 'error', remedy: 'sign-in' })
  const { length } = server.connections
  for (const event of ['networkFound', 'pageShown'] as const) environment.happen(event)
  await environment.advance(600_000)
  expect(server.connections).toHaveLength(length)
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
})

test('C32 a line that is not understood is reported, and its neighbours are taken', async () => {
  const { client, server, environment, log } = await live()
  const change = say(log, 'whole')
  const frame = { type: 'changes', space: '@lobby', epoch: log.epoch, from: 2, to: 3, changes: [change] }
  server.connection.sendText(`{"type":"changes","space":\n${JSON.stringify(frame)}\n{"type":"gossip"}`)
  await environment.settle()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello', 'whole'])
  expect(environment.reports).toHaveLength(1)
})

test('C140 what a newer server puts into a space costs that space nothing else; it is said once and counted', async () => {
  const { client, server, environment, log } = await live()
  let told = 0
  client.onLeftOut(() => (told += 1))
  const newer = (text: string) => {
    const { body, ...rest } = say(log, text)
    return { ...rest, body: { ...body, type: 'reaction' } }
  }
  for (const text of ['one', 'two']) {
    const change = newer(text)
    const to = change.version
    const frame = { type: 'changes', space: '@lobby', epoch: log.epoch, from: to - 1, to, changes: [change] }
    server.connection.sendText(JSON.stringify(frame))
  }
  server.publish(log, say(log, 'three'))
  await environment.settle()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello', 'three'])
  expect(client.readSpace('@lobby')).toMatchObject({ subscription: { status: 'current' } })
  expect(typesOf(server.connection).filter((type) => type === 'subscribe')).toHaveLength(1)
  expect([...client.leftOut().values()]).toEqual([2])
  expect(environment.reports).toEqual([expect.stringContaining('intention.put (body.type')])
  expect(told).toBe(2)
})

test('C140 pages of intentions, beings and spaces are read without what is not known', async () => {
  const { client, server } = await live()
  const intention = anUtterance('@lobby', '@ada', 'old')
  const newer = { ...anUtterance('@lobby', '@ada', 'odd'), type: 'reaction' }
  const robot = { ...aBeing('@r2'), type: 'robot' }
  const page = { intentions: [newer, intention], beings: [robot, aBeing('@ada')], hasMore: false }
  server.route('GET /v1/spaces/@lobby/intentions', () => ({ status: 200, body: page }))
  server.route('GET /v1/beings', () => ({ status: 200, body: { beings: [robot, aBeing('@ada')] } }))
  const secret = { ...aLobby().space, id: '@cellar', visibility: 'secret' }
  server.route('GET /v1/spaces', () => ({ status: 200, body: { spaces: [secret, aLobby().space], nextCursor: null } }))
  expect(await client.http.olderIntentions('@lobby')).toEqual({
    ok: true,
    value: { ...page, intentions: [intention], beings: [aBeing('@ada')] },
  })
  expect(await client.http.beings(['@r2', '@ada'])).toEqual({ ok: true, value: { beings: [aBeing('@ada')] } })
  expect(await client.http.listSpaces()).toMatchObject({ value: { spaces: [{ id: '@lobby' }] } })
  expect(client.leftOut().size).toBe(3)
})

test('C27 a revoked space is emptied, and a person can ask for it again', async () => {
  const { client, server, environment } = await live()
  server.connection.send({ type: 'unsubscribed', space: '@lobby', code: 'revoked', message: 'You were removed' })
  await environment.settle()
  expect(client.readSpace('@lobby')).toMatchObject({
    subscription: { status: 'closed', code: 'revoked' },
    content: undefined,
  })
  client.retrySpace('@lobby')
  await environment.settle()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
})

test('C26 a subscription that is never answered is asked for again', async () => {
  const { client, server, environment } = await live()
  server.answersSubscribe = false
  server.serve(aLobby('@garden'))
  client.watchSpace('@garden')
  await environment.advance(9_000)
  server.answersSubscribe = true
  await environment.advance(2_000)
  expect(texts(client.readSpace('@garden'))).toEqual(['hello'])
})

test('C40 two who watch cost one subscription, and the last to leave keeps it for a while', async () => {
  const { client, server, environment } = await live()
  server.serve(aLobby('@garden'))
  const watch = () => client.watchSpace('@garden', { present: false })
  const [leave, leaveToo] = [watch(), watch()]
  await environment.settle()
  leave()
  leave()
  await environment.advance(20_000)
  server.connection.send({ type: 'heartbeat', at: 1, heads: {} })
  expect(typesOf(server.connection)).toEqual(['hello', 'subscribe', 'subscribe'])
  leaveToo()
  await environment.advance(20_000)
  watch()()
  expect(typesOf(server.connection)).toEqual(['hello', 'subscribe', 'subscribe'])
  server.connection.send({ type: 'heartbeat', at: 1, heads: {} })
  await environment.advance(31_000)
  expect(typesOf(server.connection).at(-1)).toBe('unsubscribe')
  expect(client.store.read('@garden')).toBeUndefined()
})

test('C42 an emptied store is filled anew', async () => {
  const { client, environment, server } = await live()
  client.store.remove('@lobby')
  await environment.settle()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
  expect(server.connection.received.at(-1)).toEqual({ type: 'subscribe', space: '@lobby', present: true })
})

test('C43 more spaces than a connection may have are refused at once', async () => {
  const { client, environment, server } = await live()
  const most = LIMITS.maxSubscriptionsPerConnection
  for (let index = 1; index <= most; index += 1) client.watchSpace(`@space-${index}`)
  await environment.settle()
  expect(client.readSpace(`@space-${most}`).subscription).toMatchObject({ status: 'closed', code: 'too-many' })
  expect(server.connection.received.filter(({ type }) => type === 'subscribe')).toHaveLength(most)
})

test('C58 closing hands back what is unanswered and leaves no timer and no socket', async () => {
  const { client, server, environment } = await live()
  server.route('POST /v1/mutations', () => 'fail')
  const outcome = client.mutate('space.update', '@lobby', { name: 'Never' })
  await environment.settle()
  client.watchSpace('@garden')()
  client.close()
  expect(await outcome).toMatchObject({ status: 'rejected', code: 'closed' })
  await environment.settle()
  expect(environment.timersLeft()).toBe(0)
  expect(server.connections.some(({ open }) => open)).toBe(false)
})

test('C138 a closed client leaves nothing in its store', async () => {
  const { client } = await live()
  const { store } = client
  expect(store.read('@lobby')).toBeDefined()
  client.close()
  expect(store.read('@lobby')).toBeUndefined()
  expect(client.readSpace('@lobby').content).toBeUndefined()
})

test('C139 a client without a store of its own keeps spaces in memory', async () => {
  const server = new ScriptedServer()
  server.serve(aLobby())
  const environment = manualEnvironment({ openSocket: server.openSocket, fetch: server.fetch })
  const client = createClient({
    session: { token: 'token-1', expiresAt: environment.dateMs() + HOUR_MS, being: aBeing('@ada') },
    baseUrl: 'http://rhizom.test',
    environment,
  })
  client.watchSpace('@lobby')
  client.connect()
  await environment.settle()
  expect(texts(client.readSpace('@lobby'))).toEqual(['hello'])
  client.close()
})

test('C215 what is malformed or too large is foreseen, with a space or without', async () => {
  const { client } = aClient()
  const said = (text: string) => ({ id: newId(), type: 'utterance' as const, content: [text] })
  expect(client.foresee('intention.create', '@lobby', said('x'.repeat(70_000)))).toMatchObject({ code: 'too-large' })
  expect(client.foresee('space.update', '@lobby', { name: '' })).toMatchObject({ code: 'malformed' })
  expect(client.foresee('intention.create', '@lobby', said('Hello'))).toBeUndefined()
})
