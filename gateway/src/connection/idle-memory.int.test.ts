/** What stands in memory for those who watch and do nothing. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { eventually } from '@rhizom/kit/eventually.ts'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { ClientHandlers, ClientSocket } from '../ports.ts'
import { tokenFor } from '../testing/test-client.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let gateway: TestGateway
afterEach(() => gateway.stop())

/** A client without a network in between, so that only what the gateway holds is counted. */
class Watcher implements ClientSocket {
  readonly handlers: ClientHandlers
  beats = 0

  constructor() {
    this.handlers = gateway.running.gateway.connect(this)
  }

  send(message: string | Uint8Array): 'sent' {
    if (typeof message === 'string' && message.startsWith('{"type":"heartbeat"')) this.beats += 1
    return 'sent'
  }

  unsentBytes(): number {
    return 0
  }

  close(): void {
    throw new Error('a watcher was closed')
  }

  cut(): void {
    throw new Error('a watcher was cut')
  }
}

setFlagsFromString('--expose-gc')
const collect = z.function({ input: [], output: z.void() }).parse(runInNewContext('gc'))
const heapBytes = (): number => {
  for (let times = 0; times < 3; times += 1) collect()
  return process.memoryUsage().heapUsed
}

const WATCHERS = 1_000
/** Of V8's heap: the connection, its state, its subscription, its token and its name. */
const MAX_BYTES = 1_600

test('G221 an idle connection that watches a space costs the heap at most 1,600 bytes', async () => {
  gateway = await TestGateway.start({ HEARTBEAT_MS: '300' })
  const space = gateway.server.space()
  const tokens = await Promise.all(Array.from({ length: WATCHERS * 2 }, (_none, index) => tokenFor(`@w${index}`)))
  const gather = async (some: readonly string[]): Promise<Watcher[]> => {
    const watchers = some.map((token) => {
      const watcher = new Watcher()
      const lines = [
        { type: 'hello', protocol: 1, token },
        { type: 'subscribe', space: space.id, present: false },
      ]
      watcher.handlers.textReceived(lines.map((line) => JSON.stringify(line)).join('\n'))
      return watcher
    })
    await eventually('each got two heartbeats', () => watchers.every(({ beats }) => beats >= 2))
    return watchers
  }
  // The first fill what every process fills once.
  const first = await gather(tokens.slice(0, WATCHERS))
  const before = heapBytes()
  const second = await gather(tokens.slice(WATCHERS))
  const grown = heapBytes() - before
  expect(first.length + second.length).toBe(gateway.running.gateway.connectionCount)
  expect(grown / WATCHERS).toBeLessThan(MAX_BYTES)
})
