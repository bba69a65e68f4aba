/**
 * `npm run loadtest`: finds k6, finds or starts a system, runs the scenario, says where the report is.
 *
 *   exit code 0  every bound holds
 *             1  something went wrong, or a bound does not hold
 *             2  the arguments are not understood
 *             3  k6 cannot be had on this machine: nothing was tested
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArguments, USAGE } from './arguments.ts'
import { findK6 } from './k6.ts'
import { findLocalSystem } from './local-system.ts'
import type { Plan } from './scenarios/plan.ts'
import { describePlan } from './scenarios/report.ts'

const repository = join(import.meta.dirname, '..')
const usualFolder = process.env['RHIZOM_LOCAL_DIR'] ?? join(repository, '.local')
const reportFolder = join(repository, '.local/loadtest')

const print = (text: string): boolean => process.stdout.write(`${text}\n`)
const complain = (text: string): boolean => process.stderr.write(`${text}\n`)
const say = (text: string): void => {
  print(`loadtest: ${text}`)
}
const stop = new AbortController()
// Ctrl-C reaches k6 too, which then writes its summary; a second one ends this program at once.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say('stopping')
    stop.abort()
  })
}

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    print(USAGE)
    return 0
  }
  const parsed = parseArguments(argv)
  if (!parsed.ok) {
    complain(`${parsed.problem}\n\n${USAGE}`)
    return 2
  }
  const k6 = await findK6({
    named: process.env['K6'],
    cacheFolder: join(repository, '.local/cache/k6'),
    say,
    mayBuild: true,
  })
  if (!k6.ok) {
    complain(`The load test did not run: ${k6.problem}`)
    return 3
  }
  say(`k6 ${k6.version} (${k6.program})`)
  mkdirSync(reportFolder, { recursive: true })
  try {
    const { clients } = parsed.plan
    const ownFolder = join(reportFolder, 'system')
    const system = await findLocalSystem({ repository, usualFolder, ownFolder, clients, say, signal: stop.signal })
    try {
      if (stop.signal.aborted) return 1
      if (system.shared && clients > 200) {
        say(`a gateway takes 200 connections from one address unless MAX_CONNECTIONS_PER_ADDRESS says more`)
      }
      return await runK6(k6.program, { ...parsed.plan, api: system.api, gateways: system.gateways })
    } finally {
      await system.stop()
    }
  } catch (error) {
    if (stop.signal.aborted) return 1
    complain(`The load test failed: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}

async function runK6(program: string, plan: Plan): Promise<number> {
  const scenario = join(repository, 'loadtests/scenarios/write-to-screen.ts')
  // On a terminal k6 draws its own progress; elsewhere that would be a page of lines a second.
  const quiet = process.stdout.isTTY ? [] : ['--quiet']
  const child = spawn(program, ['run', '--no-usage-report', '--address=', ...quiet, scenario], {
    cwd: repository,
    env: {
      ...process.env,
      RHIZOM_PLAN: JSON.stringify(plan),
      RHIZOM_REPORT: reportFolder,
      K6_AUTO_EXTENSION_RESOLUTION: 'false',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  stop.signal.addEventListener('abort', () => child.kill('SIGINT'))
  const progress = quiet.length > 0 ? tellProgress(plan) : undefined
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (exitCode) => resolve(exitCode ?? 1))
  })
  clearInterval(progress)
  say(`report: ${join(reportFolder, 'write-to-screen.html')}`)
  return code === 0 ? 0 : 1
}

function tellProgress(plan: Plan): NodeJS.Timeout {
  const startedAt = Date.now()
  const expectedSeconds = plan.connectSeconds + plan.durationSeconds + 2
  say(`${describePlan(plan)}; about ${expectedSeconds} s`)
  return setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000)
    say(seconds < expectedSeconds ? `${seconds} of about ${expectedSeconds} s` : 'comparing what was seen with the log')
  }, 5_000)
}
