/**
 * Faults planted in what one client touches: it is closed, and those who share gateway, feed and space do not notice.
 */
import { type RawClient } from '@rhizom/kit/raw-client.ts'
import { eventually } from '@rhizom/kit/eventually.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ClientHandlers, ClientSocket } from './ports.ts'
import { utterance } from './testing/log-server.ts'
import { tokenFor } from './testing/test-client.ts'
import { TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
let bystander: RawClient
let space: ReturnType<TestGateway['server']['space']>
beforeEach(async () => {
  gateway = await TestGateway.start({ HELLO_TIMEOUT_MS: '1000' })
  space = gateway.server.space()
  bystander = await gateway.client('@bystander')
  await bystander.subscribed(space.id)
})
afterEach(() => gateway.stop())

/** A client without a network in between, whose socket throws while `isBroken` says so. */
class PlantedClient implements ClientSocket {
  readonly sent: string[] = []
  readonly handlers: ClientHandlers
  closed: number | undefined
  isBroken = (_message: string): boolean => false

  constructor() {
    this.handlers = gateway.running.gateway.connect(this)
  }

  send(message: string | Uint8Array): 'sent' {
    const text = typeof message === 'string' ? message : new TextDecoder().decode(message)
    if (this.isBroken(text)) throw new Error('planted')
    this.sent.push(text)
    return 'sent'
  }

  unsentBytes(): number {
    return 0
  }

  close(code: number): void {
    this.closed = code
  }

  cut(): void {
    this.closed = 1006
  }

  async watches(): Promise<void> {
    this.handlers.textReceived(JSON.stringify({ type: 'hello', protocol: 1, token: await tokenFor('@planted') }))
    await eventually('welcome', () => this.sent.some((text) => text.includes('welcome')))
    this.handlers.textReceived(JSON.stringify({ type: 'subscribe', space: space.id }))
  }
}

const faults = () => gateway.log.lines.filter(({ level }) => level === 'error')

async function expectContained(client: PlantedClient): Promise<void> {
  await eventually('the planted client is closed', () => client.closed !== undefined)
  expect(client.closed).toBe(4500)
  expect(faults()).toMatchObject([
    {
      fields: {
        behind: 'connection',
        connection: expect.any(String),
        err: { message: expect.stringContaining('planted') },
      },
    },
  ])
  expect(await gateway.metric('faults_total{behind="connection"}')).toBe(1)
  await gateway.publish(space.id, space.commit(utterance(space.id, 'after it')))
  expect(await bystander.next('changes')).toMatchObject({ to: space.version })
  expect(gateway.running.gateway.connectionCount).toBe(1)
}

test('G80 a fault while a frame is served', async () => {
  const client = new PlantedClient()
  client.isBroken = (text) => text.includes('pong')
  await client.watches()
  client.handlers.textReceived('{"type":"ping"}')
  await expectContained(client)
})

test('G80 a fault while an answer is given', async () => {
  const client = new PlantedClient()
  client.isBroken = (text) => text.includes('"snapshot"')
  await client.watches()
  await expectContained(client)
})

test('G80 a fault in the middle of fan-out costs those after it nothing', async () => {
  const client = new PlantedClient()
  await client.watches()
  await eventually('the snapshot', () => client.sent.some((text) => text.includes('"snapshot"')))
  const last = await gateway.client('@last')
  await last.subscribed(space.id)
  client.isBroken = (text) => text.includes('"changes"')
  await gateway.publish(space.id, space.commit(utterance(space.id, 'through it')))
  for (const one of [bystander, last]) expect(await one.next('changes')).toMatchObject({ to: space.version })
  last.terminate()
  await eventually('the last one is gone', () => gateway.running.gateway.connectionCount === 1)
  await expectContained(client)
})

test('G80 a fault while a timer is served', async () => {
  const client = new PlantedClient()
  client.close = (code) => {
    client.closed = code
    if (code === 4001) throw new Error('planted')
  }
  await eventually('the hello is overdue', () => client.closed !== undefined)
  await eventually('the fault is said', () => faults().length > 0)
  bystander.send({ type: 'ping' })
  expect(await bystander.next('pong')).toEqual({ type: 'pong' })
})
