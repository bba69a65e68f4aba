/**
 * `npm run profile -- gateway`: where a process spends its time. Takes a CPU profile of a part of the running system,
 * or of one started for it under load, prints the functions that took most and writes a flame graph.
 *
 *   exit code 0  it is written
 *             1  something went wrong
 *             2  the arguments are not understood
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { repository } from '@rhizom/infra/local/places.ts'
import { readRunFile } from '@rhizom/infra/local/run-file.ts'
import { findLocalSystem } from '../local-system.ts'
import { parseProfileArguments, processOf, PROFILE_USAGE, type ProfileRequest } from './arguments.ts'
import { callTree, topFunctions, withoutIdle } from './cpu-profile.ts'
import { flameGraph } from './flame-graph.ts'
import { profileProcess } from './inspector.ts'

const TOP = 20
const LOAD_UNLESS_NAMED = 'write-to-screen'
/** What a load needs to come up, before anything is worth looking at. */
const LOAD_COMES_UP_SECONDS = 12

const folder = join(repository, '.local', 'profile')
const usualFolder = process.env['RHIZOM_LOCAL_DIR'] ?? join(repository, '.local')
const print = (text: string): boolean => process.stdout.write(`${text}\n`)
const say = (text: string): void => void process.stderr.write(`profile: ${text}\n`)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    print(PROFILE_USAGE)
    return 0
  }
  const parsed = parseProfileArguments(argv)
  if (!parsed.ok) {
    process.stderr.write(`${parsed.problem}\n\n${PROFILE_USAGE}\n`)
    return 2
  }
  try {
    await (parsed.value.pid === undefined ? lookAtSystem(parsed.value) : look(parsed.value, parsed.value.pid))
    return 0
  } catch (error) {
    process.stderr.write(`No profile: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

async function lookAtSystem(request: ProfileRequest): Promise<void> {
  const ownFolder = join(folder, 'system')
  // Processes that we start get an inspector's port each, so that no other inspector is in the way.
  process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --inspect-port=0`.trim()
  const options = { repository, usualFolder, ownFolder, clients: 1_000, say, signal: stop.signal }
  const system = await findLocalSystem(options)
  const load = request.load ?? (system.shared ? undefined : LOAD_UNLESS_NAMED)
  const stateFolder = system.shared ? usualFolder : ownFolder
  try {
    const processes = readRunFile(join(stateFolder, 'run.json'))?.processes ?? {}
    const found = processOf(request.part, processes)
    if (found === undefined)
      throw new Error(`there is no part "${request.part}"; there are ${Object.keys(processes).join(', ')}`)
    const running = load === undefined ? undefined : startLoad(load, request.seconds, stateFolder)
    try {
      if (running !== undefined) {
        say(`loading it with ${load ?? ''}`)
        await Promise.race([sleep(LOAD_COMES_UP_SECONDS * 1_000), running.failed])
      }
      await look({ ...request, part: found.name }, found.pid)
    } finally {
      await running?.stop()
    }
  } finally {
    await system.stop()
  }
}

interface Load {
  /** Rejects when the load ends before anybody asked it to. */
  failed: Promise<never>
  stop(): Promise<void>
}

function startLoad(scenario: string, seconds: number, stateFolder: string): Load {
  const duration = String(seconds + 3 * LOAD_COMES_UP_SECONDS)
  const child = spawn(
    process.execPath,
    [join(repository, 'loadtests/run.ts'), '--scenario', scenario, '--duration', duration],
    { cwd: repository, env: { ...process.env, RHIZOM_LOCAL_DIR: stateFolder }, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const exited = new Promise<void>((settle) => child.once('exit', () => settle()))
  const failed = exited.then(() => Promise.reject(new Error('the load ended too early')))
  failed.catch(() => undefined)
  return {
    failed,
    async stop() {
      child.kill('SIGINT')
      await exited
    },
  }
}

async function look({ part, seconds, out }: ProfileRequest, pid: number): Promise<void> {
  say(`looking at ${part} (process ${pid}) for ${seconds} s`)
  const profile = await profileProcess(pid, () => sleep(seconds * 1_000, undefined, { signal: stop.signal }))
  const { busy, idleMs } = withoutIdle(callTree(profile))
  const wholeMs = Math.max(busy.totalMs + idleMs, Number.EPSILON)
  const words = `${seconds} s, busy ${((100 * busy.totalMs) / wholeMs).toFixed(0)} % of them; the width is the time spent while busy`
  const file = resolve(out ?? join(folder, `${part}.svg`))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, flameGraph(busy, `Where ${part} spends its time`, words))
  const raw = file.replace(/(\.svg)?$/, '.cpuprofile')
  writeFileSync(raw, JSON.stringify(profile))
  print(`${part}: ${words}\n\n  self     share  function`)
  for (const { name, place, selfMs, share } of topFunctions(busy, TOP)) {
    const time = `${selfMs.toFixed(0)} ms`.padStart(8)
    print(`${time}  ${(100 * share).toFixed(1).padStart(5)} %  ${name}${place === '' ? '' : `  ${place}`}`)
  }
  print(`\nflame graph: ${file}\nprofile:     ${raw}`)
}
