/** The supervisor with real, tiny processes: shell scripts that note what happens to them in a file. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lookUpProcess } from './process-facts.ts'
import { createSupervisor, type Part, type PartEvent, type Supervisor } from './supervisor.ts'
import { until } from './until.ts'

let folder = ''
let events: PartEvent[] = []
let supervisor: Supervisor
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rhizom-supervisor-'))
  events = []
  supervisor = createSupervisor({
    logFileOf: (part) => join(folder, `${part}.log`),
    onEvent: (event) => events.push(event),
    backoffMs: [10, 40, 160],
    steadyAfterMs: 60_000,
  })
})
afterEach(async () => {
  await supervisor.stop([])
  rmSync(folder, { recursive: true, force: true })
})

const trace = (): string[] =>
  existsSync(join(folder, 'trace')) ? readFileSync(join(folder, 'trace'), 'utf8').trim().split('\n') : []

/** Writes down its start and its stop; answers once it has started. */
function part(name: string, script: string, more: Partial<Part> = {}): Part {
  const note = `echo ${name} started >> trace; trap 'echo ${name} stopped >> trace; exit 0' TERM; `
  return {
    name,
    command: () => ({ file: 'sh', args: ['-c', note + script], cwd: folder }),
    answers: async () => trace().includes(`${name} started`),
    readyWithinMs: 5_000,
    stopSignal: 'SIGTERM',
    stopWithinMs: 2_000,
    ...more,
  }
}
const forever = 'while :; do sleep 0.02; done'
const patient = { withinMs: 10_000, everyMs: 5 }

test('I20 a part that is killed is started again, and what the supervisor says is true', async () => {
  await supervisor.start(part('api-1', forever))
  const first = supervisor.pids()['api-1'] ?? 0
  process.kill(first, 'SIGKILL')
  const back = (): boolean => events.some((event) => event.type === 'ready' && event.restart)
  expect(await until(back, patient)).toBe(true)
  const second = supervisor.pids()['api-1'] ?? 0
  expect(second).not.toBe(first)
  expect(lookUpProcess(second)).toBeDefined()
  expect(events.map(({ type }) => type)).toEqual(['started', 'ready', 'died', 'started', 'ready'])
  expect(events[2]).toMatchObject({ part: 'api-1', how: 'SIGKILL', againInMs: 10 })
})

test('I20 the more often it dies at once the longer the pause, up to a bound', async () => {
  writeFileSync(join(folder, 'runs'), '')
  const script = `if [ "$(wc -c < runs)" -ge 1 ]; then exit 3; fi; ${forever}`
  await supervisor.start(part('api-1', script))
  appendFileSync(join(folder, 'runs'), 'x')
  process.kill(supervisor.pids()['api-1'] ?? 0, 'SIGKILL')
  const deaths = () => events.flatMap((event) => (event.type === 'died' ? [event.againInMs] : []))
  expect(await until(() => deaths().length >= 5, patient)).toBe(true)
  expect(deaths().slice(0, 5)).toEqual([10, 40, 160, 160, 160])
})

test('I20 what an earlier run left behind is cleared before each start', async () => {
  let cleared = 0
  const beforeStart = async (): Promise<void> => {
    cleared += 1
  }
  await supervisor.start(part('postgres', forever, { beforeStart }))
  process.kill(supervisor.pids()['postgres'] ?? 0, 'SIGKILL')
  expect(await until(() => events.filter(({ type }) => type === 'ready').length === 2, patient)).toBe(true)
  expect(cleared).toBe(2)
})

test('I21 a part that ends while it starts is an error, and its words are in the log', async () => {
  const failing = part('api-1', 'echo no such table; exit 1', { answers: async () => false })
  await expect(supervisor.start(failing)).rejects.toThrow('api-1 ended while it started (exit code 1)')
  expect(readFileSync(join(folder, 'api-1.log'), 'utf8')).toContain('no such table')
  expect(supervisor.pids()).toEqual({})
})

test('I21 one that never answers is an error too', async () => {
  const silent = part('api-1', forever, { answers: () => Promise.reject(new Error('refused')), readyWithinMs: 100 })
  await expect(supervisor.start(silent)).rejects.toThrow('does not answer')
})

test('I22 groups stop in order, the rest first, and nothing comes back', async () => {
  for (const name of ['postgres', 'api-1', 'web', 'other']) await supervisor.start(part(name, forever))
  await supervisor.stop([['web'], ['api-1'], ['postgres']])
  const stops = trace().filter((line) => line.endsWith('stopped'))
  expect(stops).toEqual(['other stopped', 'web stopped', 'api-1 stopped', 'postgres stopped'])
  expect(supervisor.pids()).toEqual({})
  expect(events.filter(({ type }) => type === 'died')).toEqual([])
  await expect(supervisor.start(part('late', forever))).rejects.toThrow('stopping')
})

test('I22 a part that is just starting is ended as well', async () => {
  const starting = supervisor.start(part('api-1', forever, { answers: async () => false, readyWithinMs: 60_000 }))
  const outcome = starting.then(
    () => 'up',
    () => 'ended',
  )
  expect(await until(() => trace().includes('api-1 started'), patient)).toBe(true)
  const pid = supervisor.pids()['api-1'] ?? 0
  await supervisor.stop([])
  expect(await outcome).toBe('ended')
  expect(lookUpProcess(pid)).toBeUndefined()
})
