/** What scenes are made of: time passes until everybody is level, or everybody knows who is here, within a bound. */
import { rosterWrong } from './presence-truth.ts'
import type { World } from './world.ts'

export type Scene = (world: World) => Promise<void>

/** How soon everybody is level: after trouble, after a commit that no message announced, and so on. */
export const WITHIN_MS = {
  healed: 60_000,
  published: 400,
  unannounced: 3_000,
  gap: 800,
  withoutRedis: 4_000,
  cut: 10_000,
  restarted: 30_000,
  /** A person who sees a closed space tries again every three seconds. */
  regranted: 4_000,
  /** The slow poll, which asks about every ten seconds. */
  polled: 14_000,
} as const

/** Long enough for everybody to notice a connection that has been dead since before. */
export const NOTICED_WITHIN_MS = 15_000

/** Lets time pass, step by step, as long as nothing is wrong. */
export async function run(world: World, forMs: number): Promise<void> {
  const until = world.time.now() + forMs
  while (world.oracle.violation === undefined && (await step(world, until)));
}

function step(world: World, until: number): Promise<boolean> {
  if (world.time.standsStill) world.oracle.fail('S6', 'so much happens at this moment that it never ends')
  return world.time.step(until)
}

const RETRY_EVERY_MS = 3_000

/** Lets time pass until everybody is level, which has to be within so long. */
export async function level(world: World, withinMs: number, rule: string, when: string): Promise<void> {
  const until = world.time.now() + withinMs
  let retryAt = world.time.now() + RETRY_EVERY_MS
  while (world.oracle.violation === undefined && !world.isLevel) {
    if (world.time.now() >= until) {
      world.oracle.fail(rule, `${withinMs} ms ${when}, ${world.behind()}`)
      return
    }
    if (world.time.now() >= retryAt) {
      retryAt += RETRY_EVERY_MS
      world.retryClosed()
    }
    await step(world, Math.min(until, retryAt))
  }
}

export function count(world: World): void {
  for (const gateway of world.gateways) gateway.reads.clear()
  world.oracle.attempts = 0
  world.oracle.snapshots = 0
}

export function expectReads(world: World, most: number, rule: string, when: string): void {
  for (const { name, reads } of world.gateways)
    for (const [space, times] of reads)
      if (times > most && world.api.space(space).exists)
        world.oracle.fail(rule, `${name} read ${space} ${times} times ${when}`)
}

const EXACT_SLACK_MS = 3_000
const LOOK_EVERY_MS = 50

/** Lets time pass until everybody knows who is here, as it is: a lease may have to run out, and one be
 * doubted, and before that a connection be found dead. */
export async function exact(world: World, when: string, noticedMs = 0): Promise<void> {
  const { leaseMs, graceMs, windowMs } = world.plan.shape.presence
  const withinMs = noticedMs + 1.5 * leaseMs + graceMs + windowMs + EXACT_SLACK_MS
  const until = world.time.now() + withinMs
  while (world.oracle.violation === undefined) {
    const wrong = rosterWrong(world)
    if (wrong === undefined) return
    if (world.time.now() >= until) return world.oracle.fail('S19', `${withinMs} ms ${when}, ${wrong}`)
    await run(world, LOOK_EVERY_MS)
  }
}
