/** Clients that do not read, over real sockets. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { afterEach, expect, test } from 'vitest'
import { utterance } from '../testing/log-server.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let gateway: TestGateway
afterEach(() => gateway.stop())

const TEXT = 'x'.repeat(30_000)

test('G54 a client that does not read is closed with 4002, costs bounded memory, delays nobody and resumes without a gap', async () => {
  gateway = await TestGateway.start({ MAX_UNSENT_BYTES: '300000', RING_BYTES: '100000000' })
  const space = gateway.server.space()
  const [slow, quick] = await Promise.all([gateway.client('@slow'), gateway.client('@quick')])
  await Promise.all([slow.subscribed(space.id), quick.subscribed(space.id)])
  slow.socket.pause()
  const memory = process.memoryUsage().rss
  let held = 0
  while ((await gateway.metric('closes_total{code="4002"}')) === 0) {
    if (space.version > 2000) throw new Error('it is never closed')
    for (let i = 0; i < 10; i++) await gateway.publish(space.id, space.commit(utterance(space.id, TEXT)))
    while (held < space.version) held = (await quick.next('changes')).to
  }
  expect(process.memoryUsage().rss - memory).toBeLessThan(400_000_000)
  slow.socket.resume()
  expect((await slow.hasClosed()).code).toBe(4002)
  const runs = slow.frames.flatMap((frame) => (frame.type === 'changes' ? [frame] : []))
  let version = 0
  for (const { from, to } of runs) {
    expect(from).toBe(version)
    version = to
  }
  expect(version).toBeLessThan(space.version)
  const back = await gateway.client('@slow')
  expect(await back.subscribed(space.id, { epoch: space.epoch, version })).toMatchObject({
    type: 'resumed',
    from: version,
    to: space.version,
  })
})

test('G52 an answer may go over the budget once, and the next waits until that was read', async () => {
  // Megabytes take their time on a busy machine, and who is refused for that would have to ask again.
  const patient = { SUBSCRIBE_TIMEOUT_MS: '120000', API_TIMEOUT_MS: '60000' }
  gateway = await TestGateway.start({ MAX_UNSENT_BYTES: '100000', ...patient })
  const spaces = [gateway.server.space(), gateway.server.space(), gateway.server.space()]
  for (const space of spaces) space.snapshotPadding = 8_000_000
  const client = await gateway.client()
  client.socket.pause()
  client.send(...spaces.map(({ id }) => ({ type: 'subscribe' as const, space: id })))
  await eventually('all were read', () => gateway.server.asked.length >= 3)
  client.socket.resume()
  const answered = new Set<string>()
  while (answered.size < 3) answered.add((await client.next('snapshot', 50_000)).space)
  expect(await gateway.metric('slow_readers_total')).toBe(0)
})

test('G52 an answer that is not read for long closes with 4002', async () => {
  gateway = await TestGateway.start({ MAX_UNSENT_BYTES: '100000', STALL_TIMEOUT_MS: '200' })
  const space = gateway.server.space()
  space.snapshotPadding = 20_000_000
  const client = await gateway.client()
  client.socket.pause()
  client.send({ type: 'subscribe', space: space.id })
  await eventually('it is closed', async () => (await gateway.metric('closes_total{code="4002"}')) === 1)
  expect(await gateway.metric('connections')).toBe(0)
})
