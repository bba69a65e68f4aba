/** Real processes: a parent that is killed without warning, and children that would rather stay. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startChild } from './child.ts'
import { repository } from './places.ts'
import { lookUpProcess } from './process-facts.ts'
import { until } from './until.ts'

const folder = mkdtempSync(join(tmpdir(), 'rhizom-child-'))
const log = join(folder, 'log')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a parent that prints the pids of its children and then waits for its end. */
async function parentOf(name: string, source: string): Promise<{ pid: number; children: number[] }> {
  const file = join(folder, `${name}.ts`)
  writeFileSync(file, source)
  const parent = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve) => parent.stdout.once('data', (data) => resolve(String(data))))
  return { pid: parent.pid ?? 0, children: line.trim().split(' ').map(Number) }
}

const gone = (pid: number) => (): boolean => lookUpProcess(pid) === undefined
const local = join(repository, 'infra', 'local')

test('I3 children and their groups end with a parent that is killed', async () => {
  const { pid, children } = await parentOf(
    'launcher',
    `import { startChild } from ${JSON.stringify(`${local}/child.ts`)}
     import { startGuard } from ${JSON.stringify(`${local}/guard.ts`)}
     const guard = startGuard()
     const one = await startChild({ file: 'sleep', args: ['1000'] }, ${JSON.stringify(log)}, guard)
     const stubborn = { file: 'sh', args: ['-c', 'trap "" INT TERM; sleep 1001 & while :; do sleep 1; done'] }
     const two = await startChild(stubborn, ${JSON.stringify(log)}, guard)
     console.log(one.pid, two.pid)
     setInterval(() => {}, 1000)`,
  )
  expect(children.map((child) => lookUpProcess(child)?.parent)).toEqual([pid, pid])
  process.kill(pid, 'SIGKILL')
  for (const child of children) expect(await until(gone(child), { withinMs: 30_000 })).toBe(true)
  const group = `pgrep -g ${children[1]}`
  expect(await until(() => spawnSync('sh', ['-c', group]).stdout.length === 0, { withinMs: 30_000 })).toBe(true)
}, 120_000)

test.runIf(process.platform === 'linux')(
  'I3 also where the system has no death signals: the guard alone ends them, and is started again if it dies',
  async () => {
    const { pid, children } = await parentOf(
      'guarded',
      `import { spawn } from 'node:child_process'
     import { startGuard } from ${JSON.stringify(`${local}/guard.ts`)}
     import { lookUpProcess } from ${JSON.stringify(`${local}/process-facts.ts`)}
     import { until } from ${JSON.stringify(`${local}/until.ts`)}
     import { readdirSync } from 'node:fs'
     const guards = () => readdirSync('/proc').map(Number).filter((pid) =>
       lookUpProcess(pid)?.parent === process.pid && lookUpProcess(pid)?.command.includes('guard.sh'))
     const guard = startGuard()
     const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
     guard.add(child.pid)
     await until(() => guards().length === 1, { withinMs: 30_000 })
     const [first] = guards()
     process.kill(first, 'SIGKILL')
     const isAnother = ([pid, ...others]) => pid !== undefined && pid !== first && others.length === 0
     await until(() => isAnother(guards()), { withinMs: 30_000 })
     console.log(child.pid)
     setInterval(() => {}, 1000)`,
    )
    expect(lookUpProcess(children[0] ?? 0)?.parent).toBe(pid)
    process.kill(pid, 'SIGKILL')
    expect(await until(gone(children[0] ?? 0), { withinMs: 30_000 })).toBe(true)
  },
  120_000,
)

test('I4 a child that does not stop is killed', async () => {
  const ready = join(folder, 'stubborn')
  const child = await startChild(
    { file: 'sh', args: ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'] },
    ready,
  )
  await until(() => readFileSync(ready, 'utf8').includes('ready'), { withinMs: 5_000 })
  expect(await child.stop('SIGTERM', 300)).toEqual({ code: null, signal: 'SIGKILL' })
  expect(child.running).toBe(false)
})

test('I4 one that does is not', async () => {
  const child = await startChild({ file: 'sleep', args: ['1000'] }, log)
  expect(await child.stop()).toEqual({ code: null, signal: 'SIGTERM' })
  expect(await child.stop()).toEqual({ code: null, signal: 'SIGTERM' })
})

test('a program that does not exist is an error of whoever starts it', async () => {
  await expect(
    startChild({ file: join(folder, 'nothing'), args: [] }, log).then((child) => child.exited),
  ).resolves.toMatchObject(process.platform === 'linux' ? { code: 127 } : {})
})

test('I8 an echo of a signal is not a second one', async () => {
  const { pid, children } = await parentOf(
    'endings',
    `import { listenForEnd } from ${JSON.stringify(`${local}/endings.ts`)}
     const seen = []
     listenForEnd({ withParent: false, onEnd: (why) => seen.push(why), onForce: () => seen.push('force') })
     console.log(process.pid)
     const waiting = setInterval(() => {}, 1000)
     process.on('SIGUSR2', () => { process.stdout.write(''); clearInterval(waiting); process.exit(seen.join() === 'SIGINT' ? 0 : 9) })`,
  )
  expect(children).toEqual([pid])
  for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM'] as const) process.kill(pid, signal)
  process.kill(pid, 'SIGUSR2')
  expect(await until(gone(pid), { withinMs: 5_000 })).toBe(true)
})
