/** Reads of the log over real HTTP. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { internalReadSchema } from '@rhizom/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LogServer, TEST_INTERNAL_TOKEN, utterance } from '../testing/log-server.ts'
import { createApiClient, looseReadSchema } from './client.ts'
import { apiPlaces } from './internal-places.ts'

let server: LogServer
const settings = {
  internalToken: TEST_INTERNAL_TOKEN,
  timeoutMs: 1000,
  maxConcurrent: 3,
  installation: () => {},
  asked: () => {},
}
const reader = (urls = [server.url]) => createApiClient({ ...settings, places: apiPlaces([], urls) })
const request = (after?: { epoch: string; version: number }) => ({ after, reason: 'open' as const })

beforeEach(async () => {
  server = await new LogServer().start()
})
afterEach(() => server.stop())

/** An api that always answers the same. */
async function answering(status: number, body: string): Promise<{ url: string; server: Server }> {
  const made = createServer((_, response) => response.writeHead(status).end(body))
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}`, server: made }
}

describe('reading the log', () => {
  test('G72 changes from a position, a snapshot without one, and no space', async () => {
    const space = server.space()
    space.commit(utterance(space.id, 'a'), utterance(space.id, 'b'))
    const changes = await reader().read(space.id, request({ epoch: space.epoch, version: 1 }))
    expect(changes).toMatchObject({
      type: 'answered',
      answer: { version: 2, catchUp: { kind: 'changes', from: 1, run: { from: 1, to: 2 } } },
    })
    const snapshot = await reader().read(space.id, request())
    expect(snapshot).toMatchObject({ type: 'answered', answer: { version: 2, catchUp: { kind: 'snapshot' } } })
    expect(await reader().read('@nowhere', request())).toEqual({ type: 'missing' })
  })

  test('G72 fields of a later release are forwarded as they came', async () => {
    const space = server.space()
    const extended = { ...utterance(space.id, 'a'), fromTheFuture: { yes: true } }
    space.commit(extended)
    const outcome = await reader().read(space.id, request({ epoch: space.epoch, version: 0 }))
    if (outcome.type !== 'answered' || outcome.answer.catchUp.kind !== 'changes') throw new Error('changes')
    expect(new TextDecoder().decode(outcome.answer.catchUp.run?.frame)).toContain('"fromTheFuture":{"yes":true}')
  })

  test('G72 what the protocol calls a read is one for the gateway', () => {
    const space = server.space()
    space.commit(utterance(space.id, 'a'))
    for (const read of [space.read(null, undefined), space.read(space.epoch, 0)]) {
      expect(internalReadSchema.safeParse(read).success).toBe(true)
      expect(looseReadSchema.safeParse(read).success).toBe(true)
    }
  })

  test('G72 an answer that does not reach from the position to the version is a failure, not a gap', async () => {
    const space = server.space()
    space.commit(utterance(space.id, 'a'), utterance(space.id, 'b'), utterance(space.id, 'c'))
    space.changes.splice(1, 1)
    expect(await reader().read(space.id, request({ epoch: space.epoch, version: 0 }))).toMatchObject({ type: 'failed' })
  })

  test('G72 errors, nonsense and a 404 that does not come from the api are failures', async () => {
    server.isAway = true
    expect(await reader().read('@a', request())).toMatchObject({ type: 'failed', retryAfterMs: 20 })
    for (const [status, body] of [
      [404, '{"message":"no route"}'],
      [200, '{}'],
      [200, 'hello'],
    ] as const) {
      const other = await answering(status, body)
      expect(await reader([other.url]).read('@a', request()), `${status} ${body}`).toMatchObject({ type: 'failed' })
      expect(await reader([other.url]).heads(['@a'])).toMatchObject({ type: 'failed' })
      expect(await reader([other.url]).revoked?.({ since: 0 })).toMatchObject({ type: 'failed' })
      other.server.close()
    }
    expect(await reader(['http://127.0.0.1:1']).read('@a', request())).toMatchObject({ type: 'failed' })
  })

  test('G72 after a failure the next address is tried', async () => {
    const space = server.space()
    const two = reader(['http://127.0.0.1:1', server.url])
    expect(await two.read(space.id, request())).toMatchObject({ type: 'failed' })
    expect(await two.read(space.id, request())).toMatchObject({ type: 'answered' })
    expect(await two.heads([space.id])).toMatchObject({
      type: 'answered',
      heads: new Map([[space.id, space.position]]),
    })
  })

  test('G72 no more reads run at a time than may, and all are served in the end', async () => {
    let open = (): void => undefined
    server.gate = new Promise((resolve) => {
      open = resolve
    })
    const space = server.space()
    const one = reader()
    const outcomes = Promise.all(Array.from({ length: 10 }, () => one.read(space.id, request())))
    await eventually('three are asked', () => server.asked.length === 3)
    await new Promise((resolve) => setImmediate(resolve))
    expect(server.asked.length).toBe(3)
    open()
    for (const outcome of await outcomes) expect(outcome.type).toBe('answered')
  })
})
