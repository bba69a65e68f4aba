/**
 * What presence costs Redis: opens connections over two gateways, lets them gather in spaces, and counts the commands
 * that Redis gets (`INFO commandstats`), first while nothing happens and then under joins and leaves.
 *
 *   node loadtests/bench/presence-cost.ts [--connections 1000,5000,15000] [--spaces 1,10,500] [--publish]
 *
 * It starts a system of its own with the usual settings and takes about fifteen minutes; `--publish` writes the picture
 * to docs/presence-cost.svg. Commands of all processes count: heartbeats, pings, announcements of the api, presence.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startGuard } from '@rhizom/infra/local/guard.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import { postMutationsAnswerSchema, postSessionAnswerSchema, REDIS } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { z } from 'zod'
import type { CrowdOrder } from './presence-crowd.ts'
import { presenceChart, type PresenceMeasure, presenceTable } from './presence-report.ts'
import { type BenchSystem, startBenchSystem } from './presence-system.ts'

const JOINS_PER_SECOND = 100
/** Longer than the grace, so that each is a leave and a join. */
const OUT_FOR_MS = 4000
const IDLE_MS = 20_000
const CHURN_MS = 20_000
/** After which what a change of spaces leaves behind (graces, hints repeated by heartbeats) is over. */
const SETTLE_MS = 20_000
const PER_PROCESS = 4000
const PER_REQUEST = 100
/** What the benchmark itself asks. */
const OUR_COMMANDS = new Set(['info', 'config', 'client', 'hello', 'command'])

const text = { type: 'string' } as const
const { values } = parseArgs({ options: { connections: text, spaces: text, publish: { type: 'boolean' } } })
const list = z.string().transform((items) => items.split(',').map((item) => z.coerce.number().int().min(1).parse(item)))
const connectionCounts = list.parse(values.connections ?? '1000,5000,15000')
const spaceCounts = list.parse(values.spaces ?? '1,10,500')
const say = (words: string): void => void process.stdout.write(`${words}\n`)

/** Several processes of clients that do the same at the same time. */
class Crowd {
  readonly #workers: ChildProcess[]

  constructor(connections: number) {
    const file = join(import.meta.dirname, 'presence-crowd.ts')
    this.#workers = Array.from({ length: Math.ceil(connections / PER_PROCESS) }, () => fork(file))
  }

  async open(system: BenchSystem, connections: number): Promise<void> {
    const share = Math.ceil(connections / this.#workers.length)
    const { gateways, secret } = system
    await this.#all((index) => {
      const first = index * share
      return { order: 'open', gateways, first, count: Math.min(share, connections - first), secret }
    })
  }

  gather(spaces: string[]): Promise<void> {
    return this.#all(() => ({ order: 'gather', spaces }))
  }

  churn(forMs: number): Promise<void> {
    const joinsPerSecond = JOINS_PER_SECOND / this.#workers.length
    return this.#all(() => ({ order: 'churn', joinsPerSecond, outForMs: OUT_FOR_MS, forMs }))
  }

  async close(): Promise<void> {
    await this.#all(() => ({ order: 'close' }))
    for (const worker of this.#workers) worker.disconnect()
  }

  async #all(orderFor: (index: number) => CrowdOrder): Promise<void> {
    await Promise.all(
      this.#workers.map(
        (worker, index) =>
          new Promise<void>((resolve, reject) => {
            const order = orderFor(index)
            const ended = (code: number | null): void => reject(new Error(`a crowd ended with ${code}`))
            worker.once('exit', ended)
            worker.once('message', (answer: { done: string } | { failed: string }) => {
              worker.off('exit', ended)
              if ('failed' in answer) reject(new Error(answer.failed))
              else resolve()
            })
            worker.send(order)
          }),
      ),
    )
  }
}

/** Commands a second during `work`, and what they were. */
async function commandsDuring(redis: Redis, work: () => Promise<void>): Promise<{ rate: number; commands: string }> {
  await redis.config('RESETSTAT')
  const started = performance.now()
  await work()
  const seconds = (performance.now() - started) / 1000
  const stats = await redis.info('commandstats')
  const counts = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
    .map(([, name = '', calls]) => ({ name, calls: Number(calls) }))
    .filter(({ name }) => !OUR_COMMANDS.has(name.split('|')[0] ?? ''))
    .sort((a, b) => b.calls - a.calls)
  const rate = counts.reduce((sum, { calls }) => sum + calls, 0) / seconds
  const commands = counts.map(({ name, calls }) => `${name} ${(calls / seconds).toFixed(1)}`).join(', ')
  return { rate, commands }
}

async function post(url: string, body: unknown, token?: string): Promise<unknown> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

async function createSpaces({ api }: BenchSystem, count: number): Promise<string[]> {
  const { token } = postSessionAnswerSchema.parse(await post(`${api}/v1/sessions`, { name: 'Bench' }))
  const spaces = Array.from({ length: count }, (_, index) => `@bench-${index}`)
  for (let at = 0; at < count; at += PER_REQUEST) {
    const mutations = spaces.slice(at, at + PER_REQUEST).map((space) => ({
      id: randomUUID(),
      space,
      name: 'space.create',
      args: { name: 'Bench', visibility: 'public' },
    }))
    const { results } = postMutationsAnswerSchema.parse(await post(`${api}/v1/mutations`, { mutations }, token))
    if (results.some(({ status }) => status !== 'applied')) throw new Error('the spaces could not be made')
  }
  return spaces
}

async function entriesIn(redis: Redis, spaces: readonly string[]): Promise<number> {
  const lengths = await Promise.all(spaces.map((space) => redis.hlen(REDIS.here(space))))
  return lengths.reduce((sum, length) => sum + length, 0)
}

async function measure(system: BenchSystem, redis: Redis, all: readonly string[]): Promise<PresenceMeasure[]> {
  const measures: PresenceMeasure[] = []
  for (const connections of connectionCounts) {
    const crowd = new Crowd(connections)
    await crowd.open(system, connections)
    say(`${connections} connections are open`)
    for (const count of spaceCounts) {
      const spaces = all.slice(0, count)
      await crowd.gather(spaces)
      await sleep(SETTLE_MS)
      const entries = await entriesIn(redis, all)
      const idle = await commandsDuring(redis, () => sleep(IDLE_MS))
      const churn = await commandsDuring(redis, () => crowd.churn(CHURN_MS))
      say(`  in ${count} spaces: ${entries} entries; idle ${idle.rate.toFixed(1)}/s (${idle.commands})`)
      say(`    under ${JOINS_PER_SECOND} joins and leaves a second ${churn.rate.toFixed(1)}/s (${churn.commands})`)
      measures.push({
        connections,
        spaces: count,
        entries,
        idle: idle.rate,
        churn: churn.rate,
        idleCommands: idle.commands,
        churnCommands: churn.commands,
      })
    }
    await crowd.close()
    await sleep(OUT_FOR_MS)
  }
  return measures
}

const directory = join(repository, '.local', `presence-cost-${process.pid}`)
const guard = startGuard()
const system = await startBenchSystem(directory, guard, Math.max(...connectionCounts))
const redis = new Redis(system.redisUrl)
try {
  const spaces = await createSpaces(system, Math.max(...spaceCounts))
  const measures = await measure(system, redis, spaces)
  say(`\n${presenceTable(measures)}`)
  const chart = presenceChart(measures, `${JOINS_PER_SECOND} joins and ${JOINS_PER_SECOND} leaves a second`)
  const file = join(repository, values.publish === true ? 'docs/presence-cost.svg' : '.local/presence-cost.svg')
  writeFileSync(file, chart)
  say(`\nThe picture is ${file}`)
} finally {
  redis.disconnect()
  await system.stop()
  guard.close()
  rmSync(directory, { recursive: true, force: true })
}
