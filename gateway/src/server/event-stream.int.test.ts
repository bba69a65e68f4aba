/** Server-sent events over a real gateway, Redis and HTTP. */
import { afterEach, describe, expect, test } from 'vitest'
import { utterance } from '../testing/log-server.ts'
import { StreamClient, type StreamOptions } from '../testing/stream-client.ts'
import { eventually } from '@rhizom/kit/eventually.ts'
import { tokenFor } from '../testing/test-client.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let gateway: TestGateway
const streams: StreamClient[] = []
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close()
  await gateway.stop()
})

async function open(query: string, options: StreamOptions = {}): Promise<StreamClient> {
  const stream = await StreamClient.open(gateway.url, query, options)
  streams.push(stream)
  return stream
}

describe('a stream', () => {
  test('G90 begins with welcome and a snapshot, then has the changes of a socket, each once and in order', async () => {
    gateway = await TestGateway.start({ HEARTBEAT_MS: '200' })
    const space = gateway.server.space()
    const stream = await open(`?space=${space.id}`)
    expect(stream.response.statusCode).toBe(200)
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
    const snapshot = await stream.next('snapshot')
    expect(stream.frames[0]).toMatchObject({ type: 'welcome', being: '@ada' })
    expect(stream.body.indexOf('\n\n')).toBeGreaterThan(2000)
    const socket = await gateway.client('@bob')
    await socket.subscribed(space.id)
    for (let i = 0; i < 50; i++) await gateway.publish(space.id, space.commit(utterance(space.id, `words ${i}`)))
    let held = snapshot.version
    while (held < space.version) {
      const { from, to, epoch } = await stream.next('changes')
      expect(from).toBe(held)
      expect(epoch).toBe(space.epoch)
      held = to
    }
    const positions = stream.events.flatMap(({ id, data }) => (id === undefined ? [] : [[id, data.slice(0, 18)]]))
    expect(positions[0]).toEqual([`${space.epoch}:${snapshot.version}`, '{"type":"snapshot"'])
    expect(positions.at(-1)?.[0]).toBe(`${space.epoch}:${space.version}`)
    expect(await stream.next('heartbeat')).toMatchObject({ heads: { [space.id]: space.version } })
    expect(await gateway.metric('connections')).toBe(2)
    stream.close()
    await eventually('the gateway sees that it is gone', async () => (await gateway.metric('connections')) === 1)
  })

  test('G90 carries many spaces, each resumed from its own position', async () => {
    gateway = await TestGateway.start()
    const [one, two] = [gateway.server.space(), gateway.server.space()]
    for (let i = 0; i < 3; i++) one.commit(utterance(one.id, 'before'))
    const stream = await open(`?space=${one.id}&epoch=${one.epoch}&after=1&space=${two.id}&present=false`)
    expect(await stream.next('resumed')).toMatchObject({ space: one.id, from: 1, to: 3 })
    await eventually('the other comes', () => stream.frames.some((frame) => frame.type === 'snapshot'))
    expect(stream.frames.find((frame) => frame.type === 'snapshot')).toMatchObject({ space: two.id, hereCount: 0 })
  })

  test('G90 without a space it says welcome and beats', async () => {
    gateway = await TestGateway.start({ HEARTBEAT_MS: '100' })
    const stream = await open('')
    await stream.next('welcome')
    expect(await stream.next('heartbeat')).toMatchObject({ heads: {} })
  })

  test('G90 Last-Event-ID is a position, as a browser names it when it comes back by itself', async () => {
    gateway = await TestGateway.start()
    const space = gateway.server.space()
    for (let i = 0; i < 5; i++) space.commit(utterance(space.id, 'before'))
    const stream = await open(`?space=${space.id}`, { headers: { 'last-event-id': `${space.epoch}:4` } })
    expect(await stream.next('resumed')).toMatchObject({ from: 4, to: 5 })
  })
})

describe('who may not have one', () => {
  test('G91 is answered a problem that says why, and costs no connection', async () => {
    gateway = await TestGateway.start({ MAX_CONNECTIONS_PER_ADDRESS: '1' })
    const space = gateway.server.space()
    const expired = await tokenFor('@ada', -10)
    const cases: [string, StreamOptions, number, string][] = [
      [`?space=${space.id}`, { token: '' }, 401, 'not-authenticated'],
      [`?space=${space.id}`, { token: 'forged' }, 401, 'not-authenticated'],
      [`?space=${space.id}`, { token: expired }, 401, 'token-expired'],
      [`?space=${space.id}`, { headers: { origin: 'https://elsewhere.example' } }, 403, 'forbidden'],
      ['?space=lobby', {}, 400, 'malformed'],
      [`?space=${space.id}&after=4`, {}, 400, 'malformed'],
      [`?space=${space.id}&epoch=${space.epoch}&after=-1`, {}, 400, 'malformed'],
      [`?space=${space.id}&present=maybe`, {}, 400, 'malformed'],
      [`?space=${space.id}&space=%00`, {}, 400, 'malformed'],
    ]
    for (const [query, options, status, code] of cases) {
      const refused = await open(query, options)
      expect([query, refused.response.statusCode], JSON.stringify(options)).toEqual([query, status])
      expect(await refused.problem()).toMatchObject({ code, status })
      await eventually('nothing stays of it', async () => (await gateway.metric('connections')) === 0)
    }
    const first = await open(`?space=${space.id}`)
    await first.next('snapshot')
    const second = await open(`?space=${space.id}`)
    expect(second.response.statusCode).toBe(429)
    first.close()
    await eventually('the place is free', async () => (await gateway.metric('connections')) === 0)
    await (await open(`?space=${space.id}`)).next('snapshot')
  })

  test('G91 a space that may not be read is refused in the stream, like over a socket', async () => {
    gateway = await TestGateway.start()
    const stream = await open('?space=@nowhere')
    expect(await stream.next('error')).toMatchObject({ code: 'not-found', space: '@nowhere' })
  })

  test('G91 a page of another origin may ask only where it is allowed to', async () => {
    gateway = await TestGateway.start({ ALLOWED_ORIGINS: 'https://page.example' })
    const ask = (origin: string): Promise<Response> =>
      fetch(`${gateway.url}/v1/sync/sse`, { method: 'OPTIONS', headers: { origin } })
    const allowed = await ask('https://page.example')
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://page.example')
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization')
    expect((await ask('https://other.example')).headers.get('access-control-allow-origin')).toBeNull()
    const space = gateway.server.space()
    const stream = await open(`?space=${space.id}`, { headers: { origin: 'https://page.example' } })
    await stream.next('snapshot')
    expect(stream.response.headers['access-control-allow-origin']).toBe('https://page.example')
  })
})

describe('who does not read or is not there', () => {
  test('G92 a reader that stands still is cut off in bounded memory, delays nobody, and resumes without a gap', async () => {
    gateway = await TestGateway.start({ MAX_UNSENT_BYTES: '300000', RING_BYTES: '100000000' })
    const space = gateway.server.space()
    const slow = await open(`?space=${space.id}`, { being: '@slow' })
    await slow.next('snapshot')
    const quick = await gateway.client('@quick')
    await quick.subscribed(space.id)
    slow.response.pause()
    const memory = process.memoryUsage().rss
    let held = 0
    while ((await gateway.metric('slow_readers_total')) === 0) {
      if (space.version > 2000) throw new Error('it is never cut off')
      for (let i = 0; i < 10; i++)
        await gateway.publish(space.id, space.commit(utterance(space.id, 'x'.repeat(30_000))))
      while (held < space.version) held = (await quick.next('changes')).to
    }
    expect(process.memoryUsage().rss - memory).toBeLessThan(400_000_000)
    slow.response.resume()
    await eventually('it ends', () => slow.isEnded)
    let version = 0
    for (const frame of slow.frames) {
      if (frame.type !== 'changes') continue
      expect(frame.from).toBe(version)
      version = frame.to
    }
    expect(version).toBeLessThan(space.version)
    const back = await open(`?space=${space.id}&epoch=${space.epoch}&after=${version}`, { being: '@slow' })
    expect(await back.next('resumed')).toMatchObject({ from: version, to: space.version })
  })

  test('G92 a snapshot far over the budget reaches a reader that takes its time', async () => {
    gateway = await TestGateway.start({ MAX_UNSENT_BYTES: '100000' })
    const space = gateway.server.space()
    space.snapshotPadding = 8_000_000
    const stream = await open(`?space=${space.id}`)
    await stream.next('welcome')
    stream.response.pause()
    await eventually('it was read', () => gateway.server.asked.length > 0)
    stream.response.resume()
    expect(await stream.next('snapshot')).toMatchObject({ version: 0 })
    expect(await gateway.metric('slow_readers_total')).toBe(0)
  })

  test('G93 a stream ends after its time with goodbye, and its reader comes back from where it was', async () => {
    gateway = await TestGateway.start({ STREAM_MAX_AGE_MS: '300' })
    const space = gateway.server.space()
    const stream = await open(`?space=${space.id}`)
    await stream.next('snapshot')
    expect(await stream.next('goodbye')).toMatchObject({ reconnectAfterMs: 0 })
    await eventually('it ends', () => stream.isEnded)
    expect(stream.events.at(-1)).toMatchObject({ event: 'close', data: expect.stringContaining('4000') })
    expect(await gateway.metric('connections')).toBe(0)
  })

  test('G93 a gateway that stops says goodbye to streams as well', async () => {
    gateway = await TestGateway.start()
    const stream = await open(`?space=${gateway.server.space().id}`)
    await stream.next('snapshot')
    const stopped = gateway.running.stop()
    expect(await stream.next('goodbye')).toMatchObject({ reason: 'draining' })
    await eventually('it ends', () => stream.isEnded)
    await stopped
  })
})
