/** What `npm run loadtest -- …` understands, turned into plans. Pure: wrong arguments are a problem in words. */
import { parseArgs } from 'node:util'
import { SCENARIO_NAMES, type ScenarioName, SCENARIOS, type Size } from './scenarios/catalogue.ts'
import { actorsOf, type Plan, type WatchedNode } from './scenarios/plan.ts'

const width = Math.max(...SCENARIO_NAMES.map((name) => name.length))

/** The scenarios, each with what it shows. */
export const LIST = SCENARIO_NAMES.map((name) => `  ${name.padEnd(width)}  ${SCENARIOS[name].shows}`).join('\n')

export const USAGE = `npm run loadtest -- [options]

  --scenario NAME  which; all for each in turn         (write-to-screen)
  --list           what there is
  --short          a few seconds that say whether it works at all
  --full           the size for a machine of its own

These change the size of a scenario (in brackets: of write-to-screen):
  --clients N     clients that watch                          (200)
  --spaces N      spaces they watch                           (10)
  --writers N     actors that write                           (10)
  --rate N        writes a second, of all writers together    (100)
  --duration S    seconds of writing                          (60)
  --p95 MS        bound for the 95th percentile from commit to screen (1000)

It uses the system that \`npm start\` runs, and starts one of its own with raised limits where none runs. A system
elsewhere is named by its addresses, several with commas between:
  --api URL       where the api is
  --gateways URL  where the gateways are
  --metrics URL   where the metrics of its processes are, for the soak
  --tokens FILE   session tokens to use instead of new guests, one a line; or in the variable RHIZOM_TOKENS.
                  A token for each writer, and for each being that comes and goes
K6 names a k6 program to use instead of the one that is found or built.

${LIST}`

/** What a writer may post a second without being refused, with a margin (limit: 50 for an actor). */
const WRITES_PER_WRITER = 45
/** Of those who are here a gateway lists 200 by name. */
const LISTED_HERE = 200

export interface Remote {
  api: string[]
  gateways: string[]
  metrics: WatchedNode[]
}

export interface LoadRequest {
  list: boolean
  /** Whether several are to run beside each other, since each of them is short. */
  short: boolean
  /** Without addresses where the system is still to be found. */
  plans: Plan[]
  remote: Remote | undefined
  tokensFile: string | undefined
}

export type ParsedArguments = ({ ok: true } & LoadRequest) | { ok: false; problem: string }

const SIZES = ['clients', 'spaces', 'writers', 'rate', 'duration', 'p95'] as const
const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const OPTIONS = {
  ...{ clients: text, spaces: text, writers: text, rate: text, duration: text, p95: text },
  ...{ scenario: text, list: flag, short: flag, full: flag },
  ...{ api: text, gateways: text, metrics: text, tokens: text },
}

const failed = (problem: string): { ok: false; problem: string } => ({ ok: false, problem })

/** `run` is part of the names of all that the runs make. */
export function parseArguments(argv: readonly string[], run = 'test'): ParsedArguments {
  let values
  try {
    values = parseArgs({ args: [...argv], options: OPTIONS }).values
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  }
  const { scenario = 'write-to-screen', short = false, full = false, list = false, tokens: tokensFile } = values
  if (short && full) return failed('--short or --full, not both')
  const names = scenario === 'all' ? SCENARIO_NAMES : SCENARIO_NAMES.filter((name) => name === scenario)
  if (names.length === 0) return failed(`there is no scenario ${scenario}; there are:\n${LIST}`)
  const asked = new Map<(typeof SIZES)[number], number>()
  for (const name of SIZES) {
    const value = values[name]
    if (value === undefined) continue
    if (!/^[1-9]\d{0,5}$/.test(value)) return failed(`--${name} is to be a whole number above zero`)
    asked.set(name, Number(value))
  }
  const remote = remoteOf(values)
  if (typeof remote === 'string') return failed(remote)
  const size = short ? 'short' : full ? 'full' : 'usual'
  const plans = names.map((name) => planOf(name, size, asked, `${run}-${SCENARIO_NAMES.indexOf(name)}`))
  for (const plan of plans) {
    const problem = problemOf(plan, remote)
    if (problem !== undefined) return failed(problem)
  }
  return { ok: true, list, short, plans, remote, tokensFile }
}

function planOf(
  scenario: ScenarioName,
  size: Size,
  asked: ReadonlyMap<(typeof SIZES)[number], number>,
  run: string,
): Plan {
  const standard = SCENARIOS[scenario].sizes[size]
  const clients = asked.get('clients') ?? standard.clients
  return {
    ...standard,
    scenario,
    run,
    api: [],
    gateways: [],
    metrics: [],
    clients,
    spaces: asked.get('spaces') ?? standard.spaces,
    writers: asked.get('writers') ?? standard.writers,
    rate: asked.get('rate') ?? standard.rate,
    durationSeconds: asked.get('duration') ?? standard.durationSeconds,
    p95Ms: asked.get('p95') ?? standard.p95Ms,
    connectSeconds: size === 'short' ? 2 : Math.max(5, Math.ceil(clients / 50)),
    watcherVus: Math.min(clients, 40, Math.max(2, Math.ceil(clients / 10))),
  }
}

function problemOf(plan: Plan, remote: Remote | undefined): string | undefined {
  const { scenario, clients, spaces, writers, rate, churn, stream, memory } = plan
  if (spaces > clients) return `--spaces ${spaces}: some would be watched by none of ${clients} clients`
  if (rate > writers * WRITES_PER_WRITER) {
    const enough = Math.ceil(rate / WRITES_PER_WRITER)
    return `--rate ${rate} needs at least --writers ${enough}: an actor may post 50 a second`
  }
  if (stream !== undefined && rate > 20 * writers)
    return `--rate ${rate}: a stream makes at most 20 changes a second, of ${writers} writers`
  if (stream !== undefined && writers < spaces) return `--writers ${writers}: each of ${spaces} spaces has a stream`
  if (churn !== undefined && churn.beings > spaces * LISTED_HERE)
    return `${scenario}: more than ${LISTED_HERE} beings in a space are not listed by name; use more --spaces`
  if (memory !== undefined && remote !== undefined && remote.metrics.length === 0)
    return `${scenario} watches memory: say with --metrics where the metrics are`
  return undefined
}

const isAddress = (url: string): boolean => /^https?:\/\/[^\s?#@]+$/.test(url)

/** The addresses of a system elsewhere, undefined where none was named, or what is wrong with them. */
function remoteOf(values: {
  api?: string | undefined
  gateways?: string | undefined
  metrics?: string | undefined
}): Remote | undefined | string {
  const urls = (list: string | undefined): string[] =>
    (list ?? '').split(',').flatMap((url) => (url.trim() === '' ? [] : [url.trim().replace(/\/+$/, '')]))
  const [api, gateways, metrics] = [urls(values.api), urls(values.gateways), urls(values.metrics)]
  const wrong = [...api, ...gateways, ...metrics].find((url) => !isAddress(url))
  if (wrong !== undefined) return `${wrong} is no address as http://host:port; tokens go into a file (--tokens)`
  if (api.length === 0 && gateways.length === 0) {
    return metrics.length === 0 ? undefined : '--metrics goes with --api and --gateways'
  }
  if (api.length === 0 || gateways.length === 0) return 'a system elsewhere is named by both --api and --gateways'
  const nodes = metrics.map((url) => ({ name: url, url: url.endsWith('/metrics') ? url : `${url}/metrics` }))
  return { api, gateways, metrics: nodes }
}

/** Why so many tokens are not enough for a plan; undefined where they are. None at all means new guests. */
export function tokensProblem(plan: Plan, tokens: number): string | undefined {
  const needed = actorsOf(plan)
  if (tokens === 0 || tokens >= needed) return undefined
  return `${plan.scenario} needs ${needed} tokens, one for each who writes or comes and goes; there are ${tokens}`
}
