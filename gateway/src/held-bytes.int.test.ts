/** A gateway as a whole, filled by one who stays within all limits of its own. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { afterEach, expect, test } from 'vitest'
import { utterance } from './testing/log-server.ts'
import { tokenFor } from './testing/test-client.ts'
import { TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
afterEach(() => gateway.stop())

const MIB = 1024 * 1024
const held = async (): Promise<number> =>
  (await gateway.metric('held_bytes{of="spaces"}')) + (await gateway.metric('held_bytes{of="clients"}'))
const releases = (of: string): Promise<number> => gateway.metric(`memory_releases_total{of="${of}"}`)
const isGood = async (): Promise<boolean> => (await gateway.metric('condition_good{condition="room"}')) === 1
const said = (text: string): boolean =>
  gateway.log.lines.some(({ message, fields }) => `${message} ${JSON.stringify(fields)}`.includes(text))

test('G224 rings of all spaces together stay within MAX_HELD_BYTES, twelve times over, and nobody misses anything', async () => {
  gateway = await TestGateway.start({ MAX_HELD_BYTES: String(2 * MIB), RING_BYTES: String(64 * MIB) })
  const client = await gateway.client('@ada')
  const spaces = Array.from({ length: 24 }, () => gateway.server.space())
  for (const { id } of spaces) await client.subscribed(id)
  const [first] = spaces
  if (first === undefined) throw new Error('no space')
  for (let round = 0; round < 20; round += 1) {
    for (const space of spaces) await gateway.publish(space.id, space.commit(utterance(space.id, 'x'.repeat(50_000))))
    while ((await client.next('changes')).space !== spaces.at(-1)?.id);
    expect(await held()).toBeLessThanOrEqual(2 * MIB)
  }
  expect(await releases('spaces')).toBeGreaterThan(5)
  expect(await releases('clients')).toBe(0)
  expect(await isGood()).toBe(false)
  // What is in no ring any more is read from the log.
  const other = await gateway.client('@ben')
  const { epoch, version } = first
  expect(await other.subscribed(first.id, { epoch, version: 0 })).toMatchObject({
    type: 'resumed',
    from: 0,
    to: version,
  })
})

test('G224 what lies unsent goes last, with those for whom most lies there; others are served', async () => {
  gateway = await TestGateway.start({ MAX_HELD_BYTES: String(8 * MIB), HELD_SNAPSHOT_BYTES: '0' })
  const large = gateway.server.space()
  large.snapshotPadding = 6 * MIB
  const small = gateway.server.space()
  const bystander = await gateway.client('@bystander')
  await bystander.subscribed(small.id)
  const greedy = await Promise.all(Array.from({ length: 8 }, (_none, index) => gateway.client(`@greedy-${index}`)))
  for (const client of greedy) {
    client.pause()
    client.send({ type: 'subscribe', space: large.id })
  }
  await eventually('clients had to go', async () => (await releases('clients')) > 0)
  await eventually('it is said', () => said('the clients that read least are closed'))
  await eventually('it is within the budget', async () => (await held()) <= 8 * MIB)
  expect(await gateway.metric('closes_total{code="4004"}')).toBeGreaterThan(0)
  await gateway.publish(small.id, small.commit(utterance(small.id, 'still here')))
  expect(await bystander.next('changes')).toMatchObject({ space: small.id, to: 1 })
  // For a moment nobody new comes in, and then again.
  await eventually('somebody new comes in', async () => {
    const client = new RawClient(gateway.url)
    await client.opened()
    client.send({ type: 'hello', protocol: 1, token: await tokenFor('@new') })
    const isIn = await client.next('welcome').then(
      () => true,
      () => false,
    )
    client.terminate()
    return isIn
  })
})

test('G223 over MAX_CONNECTIONS whoever comes is closed with 4004, far beyond it, and let in when somebody went', async () => {
  gateway = await TestGateway.start({ MAX_CONNECTIONS: '5' })
  const inside = await Promise.all(Array.from({ length: 5 }, (_none, index) => gateway.client(`@in-${index}`)))
  const outside = await Promise.all(Array.from({ length: 60 }, () => gateway.stranger()))
  for (const client of outside) expect((await client.hasClosed()).code).toBe(4004)
  const stream = await fetch(`${gateway.url}/v1/sync/sse`, {
    headers: { authorization: `Bearer ${await tokenFor('@in-0')}` },
  })
  expect(stream.status).toBe(503)
  expect(stream.headers.get('retry-after')).toBe('1')
  expect(await gateway.metric('connections')).toBe(5)
  expect(await gateway.metric('refused_connections_total{reason="overloaded"}')).toBe(61)
  expect(await isGood()).toBe(false)
  expect(said('MAX_CONNECTIONS is reached')).toBe(true)
  inside[0]?.terminate()
  await eventually('one is gone', async () => (await gateway.metric('connections')) === 4)
  await gateway.client('@in-0')
  await eventually('it is said to be good', () => said('there is room again'))
})
