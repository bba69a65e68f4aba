/** What `npm run loadtest -- …` understands, turned into a plan. Pure: wrong arguments are a problem in words. */
import { parseArgs } from 'node:util'
import { type Plan } from './scenarios/plan.ts'

export const USAGE = `npm run loadtest -- [options]

  --clients N     clients that watch                          (200)
  --spaces N      spaces they watch                           (10)
  --writers N     actors that write                           (10)
  --rate N        writes a second, of all writers together    (100)
  --duration S    seconds of writing                          (60)
  --p95 MS        bound for the 95th percentile from commit to screen (1000)
  --short         a run of about ten seconds that says whether it works at all

It uses the system that \`npm start\` runs, and starts one of its own with raised limits where none runs.
K6 names a k6 program to use instead of the one that is found or built.`

/** What a writer may post a second without being refused, with a margin (limit: 50 for an actor). */
const WRITES_PER_WRITER = 45

export type ParsedArguments = { ok: true; short: boolean; plan: Plan } | { ok: false; problem: string }

/** The plan without the addresses, which are known once a system runs. */
export function parseArguments(argv: readonly string[]): ParsedArguments {
  let values: Record<string, string | boolean | undefined>
  try {
    const text = { type: 'string' } as const
    const options = { clients: text, spaces: text, writers: text, rate: text, duration: text, p95: text }
    values = parseArgs({ args: [...argv], options: { ...options, short: { type: 'boolean' } } }).values
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) }
  }
  const short = values['short'] === true
  const standard = short
    ? { clients: 20, spaces: 2, writers: 2, rate: 40, duration: 5, p95: 2000 }
    : { clients: 200, spaces: 10, writers: 10, rate: 100, duration: 60, p95: 1000 }
  const asked = { ...standard }
  for (const name of ['clients', 'spaces', 'writers', 'rate', 'duration', 'p95'] as const) {
    const value = values[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || !/^[1-9]\d{0,5}$/.test(value)) {
      return { ok: false, problem: `--${name} is to be a whole number above zero` }
    }
    asked[name] = Number(value)
  }
  const { clients, spaces, writers, rate, duration, p95 } = asked
  if (spaces > clients)
    return { ok: false, problem: `--spaces ${spaces}: some would be watched by none of ${clients} clients` }
  if (rate > writers * WRITES_PER_WRITER) {
    const enough = Math.ceil(rate / WRITES_PER_WRITER)
    return { ok: false, problem: `--rate ${rate} needs at least --writers ${enough}: an actor may post 50 a second` }
  }
  return {
    ok: true,
    short,
    plan: {
      api: [],
      gateways: [],
      clients,
      spaces,
      writers,
      rate,
      durationSeconds: duration,
      connectSeconds: short ? 2 : Math.max(5, Math.ceil(clients / 50)),
      settleSeconds: 10,
      p95Ms: p95,
      watcherVus: Math.min(clients, 40, Math.max(2, Math.ceil(clients / 10))),
    },
  }
}
