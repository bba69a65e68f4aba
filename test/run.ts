/**
 * `npm test`: every check and every test, with what each step found and how long it took; the last line is the sum.
 * Brings its own Postgres and Redis, and leaves nothing behind, neither processes nor files, whatever ends it.
 *
 *   npm test                                    everything
 *   npm test -- --only checks                   one step, or several: --only unit,int
 *   npm test -- --only int snapshot             only test files with `snapshot` in their name
 *   npm test -- --quick                         for the inner loop: checks, unit tests, a hundred seeds
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '@rhizom/infra/local/child.ts'
import { listenForEnd } from '@rhizom/infra/local/endings.ts'
import { startGuard } from '@rhizom/infra/local/guard.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import { lookUpProcess } from '@rhizom/infra/local/process-facts.ts'
import { createScreen, table } from '@rhizom/infra/local/screen.ts'
import { parseTestArguments } from './arguments.ts'
import { startTestServices, type TestServices } from './services/test-services.ts'
import { checks, loadTest, REAL_KINDS, realTests, seeds, type StepName, unitTests, type Workbench } from './steps.ts'
import { describeTally, NOTHING, ONE_FAILED, sum, type Tally } from './tally.ts'

const LONGEST_COMMAND_MS = 30 * 60_000
const FOLDER = /^(?:rhizom-)?test-(\d+)$/

interface Step {
  title: string
  covers: readonly StepName[]
  run(bench: Workbench): Promise<Tally>
}

interface Result {
  title: string
  tally: Tally
  ms: number
}

/** Lanes run beside each other, each step by step: so no core is idle while a step comes to its end. */
function lanesOf(chosen: ReadonlySet<StepName>): Step[][] {
  const real = REAL_KINDS.filter((kind) => chosen.has(kind))
  const lanes: Step[][] = [
    [
      { title: 'checks', covers: ['checks'], run: checks },
      { title: 'load test', covers: ['load'], run: loadTest },
    ],
    [
      { title: 'tests: unit', covers: ['unit'], run: unitTests },
      { title: `tests: ${real.join(', ')}`, covers: real, run: (bench) => realTests(bench, real) },
    ],
    [{ title: 'seeds', covers: ['seeds'], run: seeds }],
  ]
  return lanes.map((steps) => steps.filter(({ covers }) => covers.some((name) => chosen.has(name))))
}

const screen = createScreen(process.stdout)
process.exitCode = await main()
process.exit()

async function main(): Promise<number> {
  const asked = parseTestArguments(process.argv.slice(2))
  if (!asked.ok) {
    screen.plain(asked.problem)
    return 2
  }
  const local = join(repository, '.local')
  const directory = join(local, `test-${process.pid}`)
  // Temporary files of the tests lie outside of the repository, where no tool takes them for a part of it.
  const temporary = join(tmpdir(), `rhizom-test-${process.pid}`)
  const folders = [directory, temporary]
  for (const folder of folders) mkdirSync(folder, { recursive: true })
  for (const place of [local, tmpdir()]) removeLeftovers(place)

  const guard = startGuard()
  const stop = new AbortController()
  const running = new Set<Child>()
  let services: Promise<TestServices> | undefined
  const unlisten = listenForEnd({
    withParent: false,
    onEnd: (why) => {
      screen.notice(`${why}: stopping`)
      stop.abort()
    },
    onForce: () => running.forEach((child) => child.signal('SIGKILL')),
  })
  const bench: Workbench = {
    screen,
    directory,
    filters: asked.value.filters,
    async run(command, output) {
      stop.signal.throwIfAborted()
      const env = { ...(command.env ?? process.env), TMPDIR: temporary }
      const child = await startChild({ ...command, env }, output, guard)
      running.add(child)
      const end = (): void => void child.stop('SIGTERM')
      stop.signal.addEventListener('abort', end)
      const late = setTimeout(() => {
        screen.error(`${command.args[0] ?? command.file} takes too long and is ended`)
        end()
      }, LONGEST_COMMAND_MS)
      const exit = await child.exited
      clearTimeout(late)
      stop.signal.removeEventListener('abort', end)
      running.delete(child)
      stop.signal.throwIfAborted()
      return exit
    },
    async services() {
      screen.step('starting Postgres and Redis for the tests')
      services ??= startTestServices(join(directory, 'services'), guard)
      return (await services).environment
    },
  }

  const results: Result[] = []
  const runLane = async (steps: readonly Step[]): Promise<void> => {
    for (const { title, run } of steps) {
      if (stop.signal.aborted) break
      screen.plain('')
      screen.step(title)
      const startedAt = performance.now()
      const tally = await run(bench).catch((error: unknown) => {
        if (!stop.signal.aborted) screen.error(error instanceof Error ? (error.stack ?? error.message) : String(error))
        return stop.signal.aborted ? NOTHING : ONE_FAILED
      })
      results.push({ title, tally, ms: performance.now() - startedAt })
    }
  }
  await Promise.all(lanesOf(asked.value.steps).map(runLane))

  await (await services)?.stop()
  unlisten()
  guard.close()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  if (stop.signal.aborted) results.push({ title: 'interrupted', tally: ONE_FAILED, ms: 0 })
  return report(results)
}

function report(results: readonly Result[]): number {
  const rows = results.map(({ title, tally, ms }) => [title, `${(ms / 1_000).toFixed(1)} s`, describeTally(tally)])
  const total = sum(results.map(({ tally }) => tally))
  if (total.failures.length > 0) screen.plain(`\nfailed:\n\n${total.failures.join('\n\n')}`)
  screen.plain(`\n${table(rows)}\n`)
  screen.plain(describeTally(total))
  return total.failed === 0 ? 0 : 1
}

/** Folders of runs that were killed before they could clean up. */
function removeLeftovers(place: string): void {
  for (const name of readdirSync(place)) {
    const pid = FOLDER.exec(name)?.[1]
    if (pid !== undefined && lookUpProcess(Number(pid)) === undefined)
      rmSync(join(place, name), { recursive: true, force: true })
  }
}
