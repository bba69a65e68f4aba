/**
 * `npm start`: the whole of rhizom on this machine, from one command. Holds the lock, listens to signals and to the end
 * of npm, shows what happens; what is brought up and how is in system.ts.
 *
 *   SIGINT, SIGTERM, SIGHUP (npm passes one on more than once)  stop in order; again after two seconds: at once
 *   npm or npx gone                                             the same as SIGTERM
 *   SIGKILL of this process                                     its parts die by guard.sh and by death signals
 */
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { otherUrls, portOf, whyNotListen } from './addresses.ts'
import { listenForEnd } from './endings.ts'
import { startGuard } from './guard.ts'
import { takeLock } from './lock.ts'
import { repository } from './places.ts'
import { readRunFile, removeRunFile, type Run } from './run-file.ts'
import { createScreen, table } from './screen.ts'
import { type Flags, type LocalSettings, parseFlags, parseSettings, USAGE } from './settings.ts'
import { openStateFolder, OWN_DATA } from './state-folder.ts'
import { createSystem } from './system.ts'

const DOWN_WITHIN_MS = 25_000

// Whatever this process and its parts make is for their user alone.
process.umask(0o077)
const screen = createScreen(process.stdout)
process.exitCode = await main()
// Whatever still hangs on, a socket of a probe for instance, has no say any more.
process.exit()

async function main(): Promise<number> {
  const flags = parseFlags(process.argv.slice(2))
  if (!flags.ok) return refuse(flags.problem, 2)
  if (flags.value.help) return refuse(USAGE, 0)
  const settings = parseSettings(process.env)
  if (!settings.ok) return refuse(settings.problem, 1)
  const unreachable = await whyNotListen(settings.value.HOST)
  if (unreachable !== undefined) return refuse(`HOST: nothing can listen on this address here (${unreachable})`, 1)
  const local = resolve(repository, settings.value.RHIZOM_LOCAL_DIR)
  const state = openStateFolder(local)
  if (!state.ok) return refuse(state.problem, 1)
  if (state.notice !== undefined) screen.notice(state.notice)
  const lock = takeLock(join(local, 'start.lock'))
  if (!lock.held) return refuse(alreadyRunning(lock.holder, readRunFile(join(local, 'run.json'))), 1)
  try {
    removeRunFile(join(local, 'run.json'))
    if (flags.value.fresh) forget(local, settings.value)
    return await liveUntilStopped({ ...settings.value, RHIZOM_LOCAL_DIR: local }, flags.value)
  } finally {
    removeRunFile(join(local, 'run.json'))
    lock.release()
  }
}

function refuse(text: string, code: number): number {
  screen.plain(text)
  return code
}

function alreadyRunning(holder: number, run: Run | undefined): string {
  const where = run === undefined ? 'It is still starting or stopping.' : `It is at ${run.web}`
  return `rhizom runs already (pid ${holder}). ${where}`
}

function forget(local: string, { DATABASE_URL }: LocalSettings): void {
  for (const name of OWN_DATA) rmSync(join(local, name), { recursive: true, force: true })
  screen.notice('beginning anew: data, secrets and logs of earlier runs are gone')
  if (DATABASE_URL !== undefined) screen.notice('the database of DATABASE_URL is not touched')
}

async function liveUntilStopped(settings: LocalSettings, { withParent, dev }: Flags): Promise<number> {
  const guard = startGuard()
  const stop = new AbortController()
  const system = createSystem({ settings, environment: process.env, screen, watch: guard, dev, signal: stop.signal })
  const unlisten = listenForEnd({
    withParent,
    onEnd: (why) => {
      screen.notice(`${why}: stopping`)
      stop.abort()
    },
    onForce: () => system.kill(),
  })
  const stopped = new Promise<void>((done) => stop.signal.addEventListener('abort', () => done(), { once: true }))
  let code = 0
  try {
    screen.step('rhizom is starting')
    const run = await Promise.race([system.up(), stopped])
    if (run !== undefined) {
      screen.plain(summary(run, settings))
      await stopped
    }
  } catch (error) {
    // An abort in the middle of a step is the answer to a signal and no failure.
    if (!stop.signal.aborted) {
      screen.error(error instanceof Error ? error.message : String(error))
      code = 1
    }
  }
  stop.abort()
  screen.step('stopping')
  removeRunFile(join(settings.RHIZOM_LOCAL_DIR, 'run.json'))
  const inTime = await Promise.race([system.down().then(() => true), sleep(DOWN_WITHIN_MS, false)])
  if (!inTime) system.kill()
  unlisten()
  guard.close()
  screen.done('stopped')
  return code
}

function summary(run: Run, { RHIZOM_LOCAL_DIR: local, HOST }: LocalSettings): string {
  const pid = (name: string): string => (run.processes[name] === undefined ? 'given' : `pid ${run.processes[name]}`)
  const rows = [
    ['web', run.web, pid('web')],
    ...run.api.map((url, index) => [`api-${index + 1}`, url, pid(`api-${index + 1}`)]),
    ...run.gateways.map((url, index) => [`gateway-${index + 1}`, url, pid(`gateway-${index + 1}`)]),
    ...(run.processes['guide'] === undefined ? [] : [['guide', 'a bot in the lobby', pid('guide')]]),
    ['postgres', new URL(run.databaseUrl).host, pid('postgres')],
    ['redis', new URL(run.redisUrl).host, pid('redis')],
  ]
  const text = table(rows).replaceAll(/^/gm, '  ')
  const others = otherUrls(HOST, portOf(run.web)).map((url) => `  From elsewhere: ${url}\n`)
  const hints = `  logs in ${join(local, 'logs')} · Ctrl-C stops it all\n\n  Open ${run.web} in two browsers.\n  Ask the guide: "@guide what is an epoch?"\n`
  return `\n${text}\n\n${hints}${others.join('')}`
}
