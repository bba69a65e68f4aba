/**
 * Who does what in a run, from its plan: pure, shared by run.ts (which makes the plan) and the scenario (which reads
 * it). Client k watches space k mod S; the gateway moves on by one with each round over the spaces, so that each space
 * is watched through every gateway.
 */

/** A process whose memory is watched. */
export interface WatchedNode {
  name: string
  /** Where its metrics are. */
  url: string
}

export interface Plan {
  scenario: string
  /** Part of the names of all that the run makes. */
  run: string
  api: string[]
  gateways: string[]
  metrics: WatchedNode[]
  clients: number
  spaces: number
  writers: number
  /** Writes a second, of all writers together. */
  rate: number
  durationSeconds: number
  /** Time to connect all clients before the first write. */
  connectSeconds: number
  /** How long after the last write a client may still be behind before that counts as loss. */
  settleSeconds: number
  /** The bound for the 95th percentile from commit to screen. */
  p95Ms: number
  /** Virtual users that hold the clients' sockets between them. */
  watcherVus: number
  /** Writes in one request; 1 unless it says more. */
  batch?: number
  /** How long what is written is made, about. */
  contentBytes?: number
  /** Each client is cut off this often, and stays away this long. */
  cuts?: { everySeconds: number; awaySeconds: number }
  /** Clients that k6 has no means for, or none that read as slowly as they should: companion/main.ts has them. */
  others?: { sse: number; polling: number; slow: number }
  /** Where the companion answers. */
  companion?: string
  /** Beings that come into the spaces and leave them. */
  churn?: { beings: number; staySeconds: number; awaySeconds: number }
  /** Writers write replies word by word under a claim instead of whole utterances. */
  stream?: { tokensPerSecond: number; tokensPerReply: number }
  memory?: { everySeconds: number; growthPercent: number }
}

export interface ClientPlace {
  client: number
  space: number
  gateway: number
}

/** Where one of many stands: the spaces in turn, and with each round over them the next gateway. */
export function placeOf(plan: Plan, client: number): ClientPlace {
  const space = client % plan.spaces
  const round = Math.floor(client / plan.spaces)
  return { client, space, gateway: (space + round) % plan.gateways.length }
}

/** The clients that one virtual user holds. */
export function clientsOf(plan: Plan, watcher: number): ClientPlace[] {
  const places: ClientPlace[] = []
  for (let client = watcher; client < plan.clients; client += plan.watcherVus) places.push(placeOf(plan, client))
  return places
}

/**
 * The spaces that a writer writes to, in turn. With fewer writers than spaces each has several, which it creates and
 * so is a member of; with more, it is located in the one it shares with others.
 */
export function spacesOf(plan: Plan, writer: number): number[] {
  if (plan.writers > plan.spaces) return [writer % plan.spaces]
  const spaces: number[] = []
  for (let space = writer; space < plan.spaces; space += plan.writers) spaces.push(space)
  return spaces
}

/** Who creates a space: one who writes to it. */
export const creatorOf = (plan: Plan, space: number): number => space % plan.writers

/** When a writer posts, relative to the first write of all: writers take turns, so that the rate is even. */
export function writeTimesMs(plan: Plan, writer: number): { firstMs: number; everyMs: number } {
  const everyMs = (1000 * plan.writers * (plan.batch ?? 1)) / plan.rate
  return { firstMs: (everyMs * writer) / plan.writers, everyMs }
}

/** How many beings need a session of their own. */
export const actorsOf = (plan: Plan): number => plan.writers + (plan.churn?.beings ?? 0)

const NUMBERS = [
  'clients',
  'spaces',
  'writers',
  'rate',
  'durationSeconds',
  'connectSeconds',
  'settleSeconds',
  'p95Ms',
  'watcherVus',
] as const

function isPlan(value: unknown): value is Plan {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map<string, unknown>(Object.entries(value))
  const isUrls = (urls: unknown): boolean => Array.isArray(urls) && urls.length > 0
  return (
    isUrls(fields.get('api')) && isUrls(fields.get('gateways')) && NUMBERS.every((name) => Number(fields.get(name)) > 0)
  )
}

/** Reads a plan that run.ts wrote. Throws where it is none: the scenario cannot run without. */
export function readPlan(text: string | undefined): Plan {
  const plan: unknown = text === undefined ? undefined : JSON.parse(text)
  if (isPlan(plan)) return plan
  throw new Error('RHIZOM_PLAN holds no plan: start the load test with `npm run loadtest`')
}
