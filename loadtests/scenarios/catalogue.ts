/**
 * The scenarios by name: what each shows, and its sizes: `short` says in a few seconds whether it works at all, `usual`
 * is for a laptop, `full` for a machine of its own. A scenario is a plan and nothing else; who acts in it is in
 * watchers.ts, writers.ts, churn.ts, others.ts and memory.ts. Pure.
 */
import type { Plan } from './plan.ts'

export type Size = 'short' | 'usual' | 'full'
/** What a scenario says of its plan; the rest is worked out, or known when a system is found. */
export type Sizes = Omit<Plan, 'scenario' | 'run' | 'api' | 'gateways' | 'metrics' | 'watcherVus' | 'connectSeconds'>

export interface Scenario {
  shows: string
  sizes: Readonly<Record<Size, Sizes>>
}

type Counts = readonly [clients: number, spaces: number, writers: number, rate: number, seconds: number]
const sized = ([clients, spaces, writers, rate, durationSeconds]: Counts, more: Partial<Sizes> = {}): Sizes => ({
  clients,
  spaces,
  writers,
  rate,
  durationSeconds,
  settleSeconds: 10,
  p95Ms: 1_000,
  ...more,
})
/** A short run is made on machines that are busy with something else: it is about whether, not about how fast. */
const brief = (counts: Counts, more: Partial<Sizes> = {}): Sizes => sized(counts, { p95Ms: 10_000, ...more })

export const SCENARIOS = {
  'write-to-screen': {
    shows: 'how long a write takes to reach every screen',
    sizes: {
      short: brief([20, 2, 2, 40, 4]),
      usual: sized([200, 10, 10, 100, 60]),
      full: sized([2_000, 50, 40, 500, 300]),
    },
  },
  'many-spaces': {
    shows: 'writes spread thinly: hundreds of spaces, each with a watcher or a few',
    sizes: {
      short: brief([30, 30, 6, 60, 3]),
      usual: sized([300, 300, 64, 300, 60]),
      full: sized([3_000, 1_000, 128, 1_500, 120]),
    },
  },
  'hot-space': {
    shows: 'one space that everybody watches and many write to, in requests of several',
    sizes: {
      short: brief([20, 1, 4, 120, 3], { batch: 10 }),
      usual: sized([200, 1, 10, 400, 60], { batch: 20 }),
      full: sized([2_000, 1, 100, 4_000, 20], { batch: 20 }),
    },
  },
  'presence-churn': {
    shows: 'beings that come and go: at the end every screen lists exactly those who are here',
    sizes: {
      short: brief([10, 2, 2, 10, 4], { settleSeconds: 8, churn: { beings: 20, staySeconds: 1, awaySeconds: 1 } }),
      usual: sized([100, 10, 10, 20, 60], { churn: { beings: 400, staySeconds: 5, awaySeconds: 5 } }),
      full: sized([500, 20, 10, 50, 300], { churn: { beings: 2_000, staySeconds: 10, awaySeconds: 5 } }),
    },
  },
  'reconnect-storm': {
    shows: 'clients that are cut off again and again, stay away for a while and miss nothing',
    sizes: {
      short: brief([20, 2, 2, 40, 4], { cuts: { everySeconds: 1, awaySeconds: 0.3 } }),
      usual: sized([200, 1, 1, 2, 60], { cuts: { everySeconds: 15, awaySeconds: 2 } }),
      full: sized([10_000, 1, 1, 2, 120], { cuts: { everySeconds: 15, awaySeconds: 2 } }),
    },
  },
  'slow-readers': {
    shows: 'clients that do not read what they are sent: the others notice nothing, and they catch up when they read',
    sizes: {
      short: brief([10, 1, 2, 40, 3], { contentBytes: 8_000, others: { sse: 0, polling: 0, slow: 4 } }),
      usual: sized([100, 1, 4, 100, 60], { contentBytes: 8_000, others: { sse: 0, polling: 0, slow: 20 } }),
      full: sized([1_000, 1, 4, 100, 120], { contentBytes: 8_000, others: { sse: 0, polling: 0, slow: 100 } }),
    },
  },
  'sse-and-polling': {
    shows: 'server-sent events and plain HTTP: the same guarantees without a WebSocket',
    sizes: {
      short: brief([4, 2, 2, 40, 3], { others: { sse: 6, polling: 6, slow: 0 } }),
      usual: sized([20, 10, 10, 100, 60], { others: { sse: 60, polling: 60, slow: 0 } }),
      full: sized([100, 20, 20, 200, 120], { others: { sse: 1_000, polling: 200, slow: 0 } }),
    },
  },
  'token-streams': {
    shows: 'replies that grow word by word under a claim, at most 20 changes a second each',
    sizes: {
      short: brief([10, 5, 5, 100, 3], { stream: { tokensPerSecond: 60, tokensPerReply: 120 } }),
      usual: sized([200, 20, 20, 400, 60], { stream: { tokensPerSecond: 60, tokensPerReply: 900 } }),
      full: sized([5_000, 100, 100, 2_000, 120], { stream: { tokensPerSecond: 60, tokensPerReply: 900 } }),
    },
  },
  soak: {
    shows: 'the same load for a long time: what the processes hold in memory does not grow with it',
    sizes: {
      short: brief([10, 2, 2, 20, 4], { memory: { everySeconds: 0.5, growthPercent: 200 } }),
      usual: sized([200, 10, 10, 50, 1_800], { memory: { everySeconds: 10, growthPercent: 20 } }),
      full: sized([2_000, 50, 20, 200, 43_200], { memory: { everySeconds: 60, growthPercent: 20 } }),
    },
  },
} as const satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof SCENARIOS
export const SCENARIO_NAMES = Object.keys(SCENARIOS).filter((name): name is ScenarioName => name in SCENARIOS)
