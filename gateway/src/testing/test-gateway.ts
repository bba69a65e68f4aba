/** For tests: a whole gateway on a free port, over the real Redis and a log held in memory. */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { BusSeal } from '@rhizom/process'
import { DEFAULT_REDIS_PREFIX, REDIS } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { parseConfig } from '../config.ts'
import { type RunningGateway, startGateway } from '../lifecycle.ts'
import type { Log } from '../ports.ts'
import { LogServer, TEST_INSTALLATION, TEST_INTERNAL_TOKEN } from './log-server.ts'
import { TEST_SECRET, liveClient } from './test-client.ts'

const provided = (name: string): string => {
  const url = process.env[name]
  if (url === undefined) throw new Error(`${name} names the Redis to test with`)
  return url
}

export const redisUrl = (): string => provided('TEST_REDIS_URL')

/** Of a Redis that no node is at. */
export const quietRedisUrl = (): string => provided('TEST_QUIET_REDIS_URL')

/** As every process of the installation of these tests signs. */
export function sealForTests(): BusSeal {
  const seal = new BusSeal({ secrets: [TEST_INTERNAL_TOKEN], prefix: DEFAULT_REDIS_PREFIX, opened: () => undefined })
  seal.installationLearned(TEST_INSTALLATION)
  return seal
}

export function sealedForTests(name: string, message: Uint8Array | string): Buffer {
  const sealed = sealForTests().seal(name, message)
  if (sealed === undefined) throw new Error('the installation is not known')
  return sealed
}

/** Keeps what was logged. */
export class TestLog implements Log {
  readonly lines: { level: string; message: string; fields: object }[] = []
  debug = (): void => undefined
  info = (fields: object, message: string): void => void this.lines.push({ level: 'info', message, fields })
  warn = (fields: object, message: string): void => void this.lines.push({ level: 'warn', message, fields })
  error = (fields: object, message: string): void => void this.lines.push({ level: 'error', message, fields })
}

export class TestGateway {
  readonly log: TestLog
  readonly server: LogServer
  readonly publisher: Redis
  readonly running: RunningGateway
  readonly #clients: RawClient[] = []

  private constructor(server: LogServer, publisher: Redis, running: RunningGateway, log: TestLog) {
    this.server = server
    this.publisher = publisher
    this.running = running
    this.log = log
  }

  static async start(env: Record<string, string> = {}): Promise<TestGateway> {
    const server = await new LogServer().start()
    const log = new TestLog()
    const parsed = parseConfig({
      PORT: '0',
      INTERNAL_PORT: '0',
      REDIS_URL: redisUrl(),
      API_URL: server.url,
      API_INTERNAL_URL: server.url,
      TOKEN_SECRET: TEST_SECRET,
      INTERNAL_TOKEN: TEST_INTERNAL_TOKEN,
      // A gateway that stops waits for it.
      PRESENCE_GRACE_MS: '50',
      ...env,
    })
    if (!parsed.ok) throw new Error(parsed.problem)
    const running = await startGateway(parsed.config, log)
    // Its first answer tells the gateway which installation it belongs to.
    await fetch(`${running.url}/readyz`)
    return new TestGateway(server, new Redis(redisUrl()), running, log)
  }

  get url(): string {
    return this.running.url
  }

  get internalUrl(): string {
    return this.running.internalUrl
  }

  async client(being = '@ada'): Promise<RawClient> {
    const client = await liveClient(this.url, being)
    this.#clients.push(client)
    return client
  }

  /** A client that has not said hello. */
  async stranger(options: { origin?: string; headers?: Record<string, string> } = {}): Promise<RawClient> {
    const client = new RawClient(this.url, options)
    this.#clients.push(client)
    await client.opened()
    return client
  }

  publish(space: string, message: Uint8Array): Promise<number> {
    return this.say(REDIS.spaceChannel(space), message)
  }

  /** As the api would. */
  say(channel: string, message: Uint8Array | string): Promise<number> {
    return this.publisher.publish(channel, sealedForTests(channel, message))
  }

  /** The value of a metric, by name and labels as Prometheus prints them; 0 where it has none yet. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.internalUrl}/metrics`)).text()
    const line = text.split('\n').find((one) => one.startsWith(`rhizom_gateway_${name} `))
    return line === undefined ? 0 : Number(line.split(' ').at(-1))
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.terminate()
    await this.running.stop()
    await this.server.stop()
    this.publisher.disconnect()
  }
}
