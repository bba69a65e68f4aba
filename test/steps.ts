/**
 * The steps of `npm test`, each with its count: the checks of the sources, the tests by kind, a short load test. How
 * they are run, one after the other and cleanly ended, is the business of run.ts.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command, Exit } from '@rhizom/infra/local/child.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import type { Screen } from '@rhizom/infra/local/screen.ts'
import { startOptions } from '@rhizom/kit/node-start.ts'
import { installChromium, installedChromium } from './browser/find-chromium.ts'
import { faceCheck, formatCheck, importCheck, lintCheck, PACKAGES, sizeCheck, typeCheck } from './checks/commands.ts'
import { checkComments } from './checks/comments.ts'
import { checkNames } from './checks/names.ts'
import { checkSpecRules } from './checks/spec-rules.ts'
import { failedAs, NOTHING, ONE_PASSED, ONE_SKIPPED, readTally, sum, type Tally } from './tally.ts'

export const STEPS = ['checks', 'unit', 'seeds', 'int', 'sim', 'e2e', 'fault', 'hostile', 'load'] as const
export type StepName = (typeof STEPS)[number]

/** `seeds` are fewer of those that `sim` runs. */
export const ALL_STEPS = STEPS.filter((name) => name !== 'seeds')
/** For the inner loop: `npm test -- --quick`. */
export const QUICK_STEPS = ['checks', 'unit', 'seeds'] as const satisfies readonly StepName[]

export interface Workbench {
  screen: Screen
  /** A folder of this run, removed at its end. */
  directory: string
  /** Given to vitest as it is: parts of the names of test files. */
  filters: readonly string[]
  /** Runs a program to its end: on the screen, or with its output in a file. */
  run(command: Command, output: string | { screen: true }): Promise<Exit>
  /** Postgres and Redis for tests, as environment; started when first asked for. */
  services(): Promise<NodeJS.ProcessEnv>
}

/** Says that a program had no way to do its work here, which is neither a success nor a failure. */
const COULD_NOT_RUN = 3

const inCi = (): boolean => ![undefined, '', '0', 'false'].includes(process.env['CI'])

/** What cannot run here is skipped at home and a failure in continuous integration, and said plainly in both. */
function notRun(screen: Screen, what: string, why: string): Tally {
  screen[inCi() ? 'error' : 'notice'](`${what} did not run: ${why}`)
  return inCi() ? failedAs(what, `did not run: ${why}`) : ONE_SKIPPED
}

/** Checks that read the sources and start no program. */
const READINGS: readonly (() => { name: string; problems: readonly string[] })[] = [
  () => ({ name: 'comments', problems: checkComments(repository) }),
  () => ({ name: 'names', problems: checkNames(repository) }),
  () => {
    const { rules, problems } = checkSpecRules(repository)
    return { name: `${rules} rules and their tests`, problems }
  },
]

export async function checks(bench: Workbench): Promise<Tally> {
  const folders = PACKAGES.filter((name) => existsSync(join(repository, name)))
  const commands = [
    { name: 'types', ...typeCheck() },
    { name: 'lint', ...lintCheck() },
    { name: 'format', ...formatCheck() },
    { name: 'imports', ...importCheck(folders) },
    { name: 'sizes', ...sizeCheck() },
    { name: 'public face', ...faceCheck() },
  ]
  const tallies: Tally[] = []
  for (const { name, file, args } of commands) {
    const output = join(bench.directory, `${name.replaceAll(' ', '-')}.log`)
    const startedAt = performance.now()
    const { code } = await bench.run({ file, args, cwd: repository }, output)
    tallies.push(verdict(bench.screen, name, code === 0, () => readFileSync(output, 'utf8'), startedAt))
  }
  for (const read of READINGS) {
    const startedAt = performance.now()
    const { name, problems } = read()
    tallies.push(verdict(bench.screen, name, problems.length === 0, () => problems.join('\n'), startedAt))
  }
  return sum(tallies)
}

function verdict(screen: Screen, name: string, good: boolean, output: () => string, startedAt: number): Tally {
  const took = `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`
  if (good) {
    screen.done(`${name} (${took})`)
    return ONE_PASSED
  }
  screen.error(`${name} (${took})`)
  screen.plain(output().trimEnd())
  return failedAs(name, output())
}

type Kind = Exclude<StepName, 'checks' | 'seeds' | 'load'>

/** Tests of real processes, browsers and seeds: in one pool, so that whoever waits leaves the cores to the others. */
export const REAL_KINDS = ['int', 'sim', 'e2e', 'fault', 'hostile'] as const satisfies readonly Kind[]

/** How many test files run at once: what is pure only works, the rest waits for more than half of its time. */
const WORKERS = { pure: 2, real: 4 } as const

export const unitTests = (bench: Workbench): Promise<Tally> => vitest(bench, ['unit'], WORKERS.pure)

export async function realTests(bench: Workbench, kinds: readonly Kind[]): Promise<Tally> {
  const unable = kinds.includes('e2e') ? prepareBrowser(bench.screen) : NOTHING
  const able = unable === NOTHING ? kinds : kinds.filter((kind) => kind !== 'e2e')
  return able.length === 0 ? unable : sum([unable, await vitest(bench, able, WORKERS.real)])
}

/** Runs the tests of some kinds in one vitest, so that their files run beside each other. */
async function vitest(bench: Workbench, kinds: readonly Kind[], workers: number): Promise<Tally> {
  const environment = kinds.some((kind) => kind !== 'unit' && kind !== 'sim') ? await bench.services() : {}
  const report = join(bench.directory, `${kinds.join('-')}.json`)
  const command: Command = {
    file: process.execPath,
    args: [
      ...startOptions,
      join(repository, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...kinds.flatMap((kind) => ['--project', kind]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      '--passWithNoTests',
      `--maxWorkers=${workers}`,
      ...bench.filters,
    ],
    env: { ...process.env, ...environment },
    cwd: repository,
  }
  const { code } = await bench.run(command, { screen: true })
  return readTally(report, code)
}

/** NOTHING where there is a browser, which is then named in TEST_CHROMIUM. */
function prepareBrowser(screen: Screen): Tally {
  const chromium = installedChromium() ?? installChromium((line) => screen.step(line))
  if (chromium === undefined)
    return notRun(screen, 'the browser tests', 'there is no Chromium or Chrome on PATH (or name one in TEST_CHROMIUM)')
  process.env['TEST_CHROMIUM'] = chromium
  return NOTHING
}

const QUICK_SEEDS = 100

/** A hundred seeds of the simulation, in about ten seconds. */
export async function seeds(bench: Workbench): Promise<Tally> {
  const script = join(repository, 'test', 'simulation', 'soak.ts')
  const output = join(bench.directory, 'seeds.log')
  const startedAt = performance.now()
  const args = [script, '--from', '1', '--seeds', String(QUICK_SEEDS)]
  const { code } = await bench.run({ file: process.execPath, args, cwd: repository }, output)
  const text = (): string => readFileSync(output, 'utf8')
  return verdict(bench.screen, `${QUICK_SEEDS} seeds of the simulation`, code === 0, text, startedAt)
}

export async function loadTest(bench: Workbench): Promise<Tally> {
  const script = join(repository, 'loadtests', 'run.ts')
  if (!existsSync(script)) return NOTHING
  const command: Command = {
    file: process.execPath,
    args: [script, '--scenario', 'all', '--short'],
    // A system of its own, so that a running one is neither used nor disturbed.
    env: { ...process.env, RHIZOM_LOCAL_DIR: join(bench.directory, 'load') },
    cwd: repository,
  }
  const { code } = await bench.run(command, { screen: true })
  if (code === COULD_NOT_RUN) {
    // No failure, also in continuous integration: k6 comes from outside npm, and what it shows has tests of its own.
    bench.screen.notice('the load test did not run: k6 is not to be had here')
    return ONE_SKIPPED
  }
  return code === 0 ? ONE_PASSED : failedAs('load test', `ended with ${code}`)
}
