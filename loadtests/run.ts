/**
 * `npm run loadtest`: finds k6, finds or starts a system, runs one scenario or several, says where the reports are.
 *
 *   exit code 0  every bound holds
 *             1  something went wrong, or a bound does not hold
 *             2  the arguments are not understood
 *             3  k6 cannot be had on this machine: nothing was tested
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LIST, type LoadRequest, parseArguments, tokensProblem, USAGE } from './arguments.ts'
import { findK6 } from './k6.ts'
import { findLocalSystem, type LocalSystem } from './local-system.ts'
import { expectedSeconds, runPlan } from './run-plan.ts'

const repository = join(import.meta.dirname, '..')
const usualFolder = process.env['RHIZOM_LOCAL_DIR'] ?? join(repository, '.local')
const reportFolder = join(repository, '.local/loadtest')
/** Short runs beside each other, so that trying all of them takes half a minute. */
const BESIDE_EACH_OTHER = 4

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
  const parsed = parseArguments(argv, Date.now().toString(36).slice(-6))
  if (!parsed.ok) {
    complain(`${parsed.problem}\n\n${USAGE}`)
    return 2
  }
  if (parsed.list) {
    print(LIST)
    return 0
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
    return await load(k6.program, parsed)
  } catch (error) {
    if (stop.signal.aborted) return 1
    complain(`The load test failed: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}

/** The tokens that were given, or none. The file is read here only to say what is wrong before anything starts. */
function tokensGiven({ tokensFile }: LoadRequest): string[] {
  const text = tokensFile === undefined ? process.env['RHIZOM_TOKENS'] : readFileSync(tokensFile, 'utf8')
  return (text ?? '').split(/\s+/).filter((token) => token !== '')
}

async function load(program: string, request: LoadRequest): Promise<number> {
  const { plans, remote, tokensFile } = request
  const tokens = tokensGiven(request).length
  if (tokensFile !== undefined && tokens === 0) throw new Error(`there is no token in ${tokensFile}`)
  for (const plan of plans) {
    const problem = tokensProblem(plan, tokens)
    if (problem !== undefined) throw new Error(problem)
  }
  const clients = plans
    .map(({ clients: all, others, churn }) => all + (others?.sse ?? 0) + (others?.slow ?? 0) + (churn?.beings ?? 0))
    .reduce((sum, one) => sum + one, 0)
  const ownFolder = join(reportFolder, 'system')
  const options = { repository, usualFolder, ownFolder, clients, say, signal: stop.signal }
  const system: LocalSystem =
    remote === undefined ? await findLocalSystem(options) : { ...remote, shared: true, stop: () => Promise.resolve() }
  try {
    if (system.shared && clients > 200)
      say('a gateway takes 200 connections from one address unless MAX_CONNECTIONS_PER_ADDRESS says more')
    const { api, gateways, metrics } = system
    const environment = tokensFile === undefined ? {} : { RHIZOM_TOKENS_FILE: resolve(tokensFile) }
    const waiting = plans.toSorted((a, b) => expectedSeconds(b) - expectedSeconds(a))
    let good = true
    const runInTurn = async (): Promise<void> => {
      for (let plan = waiting.shift(); plan !== undefined && !stop.signal.aborted; plan = waiting.shift()) {
        const held = await runPlan({
          program,
          plan: { ...plan, api, gateways, metrics },
          reportFolder,
          environment,
          // On a terminal k6 draws its own progress; elsewhere, and of several, that would be lines without end.
          quiet: !process.stdout.isTTY || plans.length > 1,
          say,
          signal: stop.signal,
        })
        good &&= held
      }
    }
    await Promise.all(Array.from({ length: request.short ? BESIDE_EACH_OTHER : 1 }, runInTurn))
    return good && !stop.signal.aborted ? 0 : 1
  } finally {
    await system.stop()
  }
}
