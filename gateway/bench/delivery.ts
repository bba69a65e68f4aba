/**
 * What a delivery costs a gateway, beside bare uWebSockets.js with the same bytes: processor time of the server alone
 * on its core for each change and watcher, and how long after its publishing over Redis a change is there. All take
 * turns in one run, several rounds; figures of different runs cannot be compared. A former checkout can take part.
 *
 *   TEST_REDIS_URL=… node gateway/bench/delivery.ts [--watchers 1000] [--rates 50,200,500] [--seconds 4] [--rounds 3]
 *     [--against <tree>] [--loop: bare uWebSockets.js as well with a plain loop instead of its publish]
 */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { REDIS, type SpaceId } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import {
  LogServer,
  sealedForTests,
  TEST_INTERNAL_TOKEN,
  TEST_SECRET,
  tokenFor,
  utterance,
} from '../src/testing/index.ts'
import { bareChannel } from './bare-uws.ts'
import { freePort, found, type MeasuredProcess, startGatewayProcess, startMeasured } from './gateway-process.ts'
import { gatherListeners, type Listeners, markOf, preciseMs } from './listeners.ts'

const { values: flags } = parseArgs({
  options: {
    watchers: { type: 'string', default: '1000' },
    rates: { type: 'string', default: '50,200,500' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    against: { type: 'string' },
    loop: { type: 'boolean', default: false },
  },
})
const watchers = Number(flags.watchers)
const rates = flags.rates.split(',').map(Number)
const seconds = Number(flags.seconds)
const rounds = Number(flags.rounds)
const redisUrl = process.env['TEST_REDIS_URL']
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set')
const REDIS_URL = redisUrl
/** With it a change is about 660 bytes, as those of `npm run versus` are. */
const PADDING = 'x'.repeat(330)
const WARM_UP_SECONDS = 2

const pins = cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0
const onCore = (core: number): string[] => (pins ? ['taskset', '-c', `${core}`] : [])
const print = (line: string): void => void process.stdout.write(`${line}\n`)

interface Subject {
  name: string
  server: MeasuredProcess
  listeners: Listeners
  publish(): void
}
interface Measured {
  microseconds: number
  p50Ms: number
  p99Ms: number
  busy: number
}

const redis = new Redis(REDIS_URL)
const api = await new LogServer().start()
const textOf = (): string => `${markOf(preciseMs())}${PADDING}`
const openings = (space: SpaceId): Promise<string[][]> =>
  Promise.all(
    Array.from({ length: watchers }, async (_none, index) => [
      JSON.stringify({ type: 'hello', protocol: 1, token: await tokenFor(`@watcher-${index}`) }),
      JSON.stringify({ type: 'subscribe', space, present: false }),
    ]),
  )

async function gateway(name: string, tree: string): Promise<Subject> {
  const space = api.space()
  const env = {
    REDIS_URL,
    API_URL: api.url,
    API_INTERNAL_URL: api.url,
    TOKEN_SECRET: TEST_SECRET,
    INTERNAL_TOKEN: TEST_INTERNAL_TOKEN,
    LOG_LEVEL: 'warn',
    MAX_CONNECTIONS_PER_ADDRESS: `${watchers}`,
    // Nobody is told anything but changes while it is measured.
    HEARTBEAT_MS: '600000',
  }
  const server = await startGatewayProcess(tree, env, { onCore: onCore(0) })
  const opening = await openings(space.id)
  const listeners = await gatherListeners(
    { port: Number(new URL(server.url).port), path: '/v1/sync', opening },
    onCore(1),
  )
  const channel = REDIS.spaceChannel(space.id)
  const publish = (): void =>
    void redis.publish(channel, sealedForTests(channel, space.commit(utterance(space.id, textOf()))))
  return { name, server, listeners, publish }
}

async function bare(name: string, loop: boolean): Promise<Subject> {
  const port = await freePort()
  const words = [...onCore(0), process.execPath, join(import.meta.dirname, 'bare-uws.ts')]
  const server = startMeasured(words, { PORT: `${port}`, REDIS_URL, LOOP: loop ? '1' : '' })
  await found(server, () => server.said().includes('listening') || undefined)
  const model = api.space()
  const opening = await openings(model.id)
  const listeners = await gatherListeners({ port, path: '/', opening }, onCore(1))
  const publish = (): void => {
    const [, frame = ''] = Buffer.from(model.commit(utterance(model.id, textOf())))
      .toString()
      .split('\n')
    void redis.publish(bareChannel(port), frame)
  }
  return { name, server, listeners, publish }
}

/** At an even pace; what was due while this process had something else to do goes at once. */
async function write(publish: () => void, rate: number, forSeconds: number): Promise<number> {
  const startedMs = performance.now()
  const all = rate * forSeconds
  let sent = 0
  while (sent < all) {
    const due = Math.min(all, Math.floor(((performance.now() - startedMs) * rate) / 1000))
    for (; sent < due; sent += 1) publish()
    await sleep(1)
  }
  return sent
}

async function measure({ server, listeners, publish }: Subject, rate: number): Promise<Measured> {
  await listeners.report()
  const [cpuBefore, sinceMs] = [server.cpuMs(), performance.now()]
  const sent = await write(publish, rate, seconds)
  const tookMs = performance.now() - sinceMs
  const marks: number[] = []
  const delays: number[] = []
  do {
    await sleep(300)
    const report = await listeners.report()
    for (const [index, count] of report.marks.entries()) marks[index] = (marks[index] ?? 0) + count
    delays.push(...report.delaysMs)
  } while (marks.some((count) => count < sent))
  const cpuMs = server.cpuMs() - cpuBefore
  const sorted = delays.sort((one, other) => one - other)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { microseconds: (cpuMs * 1000) / (sent * watchers), p50Ms: at(0.5), p99Ms: at(0.99), busy: cpuMs / tookMs }
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN

const subjects: Subject[] = []
try {
  subjects.push(await bare('bare uWS', false))
  if (flags.loop) subjects.push(await bare('in a loop', true))
  if (flags.against !== undefined) subjects.push(await gateway('before', flags.against))
  subjects.push(await gateway(flags.against === undefined ? 'gateway' : 'after', join(import.meta.dirname, '../..')))
  // Code runs slowly at first.
  for (const { publish } of subjects) await write(publish, 200, WARM_UP_SECONDS)
  print(`${watchers} watchers, ${rounds} rounds of ${seconds} s each, medians; of bare uWS in the same round`)
  for (const rate of rates) {
    const measured = new Map<string, { one: Measured; ratio: number }[]>()
    for (let round = 0; round < rounds; round += 1) {
      let floor = Number.NaN
      for (const subject of subjects) {
        const one = await measure(subject, rate)
        if (subject === subjects[0]) floor = one.microseconds
        measured.set(subject.name, [...(measured.get(subject.name) ?? []), { one, ratio: one.microseconds / floor }])
      }
    }
    for (const [name, all] of measured) {
      const of = (pick: (one: Measured) => number): string => median(all.map(({ one }) => pick(one))).toFixed(2)
      print(
        `${String(rate).padStart(4)}/s  ${name.padEnd(9)} ${of(({ microseconds }) => microseconds).padStart(6)} µs a delivery ` +
          `(${median(all.map(({ ratio }) => ratio)).toFixed(2)})   p50 ${of(({ p50Ms }) => p50Ms).padStart(7)} ms   ` +
          `p99 ${of(({ p99Ms }) => p99Ms).padStart(7)} ms   core ${of(({ busy }) => busy)}`,
      )
    }
  }
} finally {
  for (const { listeners, server } of subjects) {
    listeners.leave()
    await server.stop()
  }
  redis.disconnect()
  await api.stop()
}
