/**
 * Who does what in a run, from its plan: pure, shared by run.ts (which makes the plan) and the scenario (which reads
 * it). Client k watches space k mod S; the gateway moves on by one with each round over the spaces, so that each space
 * is watched through every gateway.
 */

export interface Plan {
  api: string[]
  gateways: string[]
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
}

export interface ClientPlace {
  client: number
  space: number
  gateway: number
}

/** The clients that one virtual user holds. */
export function clientsOf(plan: Plan, watcher: number): ClientPlace[] {
  const places: ClientPlace[] = []
  for (let client = watcher; client < plan.clients; client += plan.watcherVus) {
    const space = client % plan.spaces
    const round = Math.floor(client / plan.spaces)
    places.push({ client, space, gateway: (space + round) % plan.gateways.length })
  }
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
  const everyMs = (1000 * plan.writers) / plan.rate
  return { firstMs: (everyMs * writer) / plan.writers, everyMs }
}

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
