/**
 * One run: the operations of a plan are applied to the world, then all trouble ends, and then the world has to be as it
 * should be: level within a bound, and behaving well in the healthy checks, in which nothing but what is announced
 * happens.
 */
import { applyOp } from './apply-op.ts'
import { addMetrics, addPresence, type Coverage } from './coverage.ts'
import { BOTS_TROUBLE_MS } from './bot-plan.ts'
import { botChecks } from './bot-scenes.ts'
import { healthyChecks } from './healthy-checks.ts'
import { type Plan, TROUBLE_MS } from './plan.ts'
import { makePlan } from './make-plan.ts'
import { PAGES_TROUBLE_MS } from './page-plan.ts'
import { pageChecks } from './page-scenes.ts'
import type { Violation } from './oracle.ts'
import { level, run, type Scene, WITHIN_MS } from './scene.ts'
import { World } from './world.ts'

export interface Outcome {
  ok: boolean
  seed: number
  steps: number
  violation: Violation | undefined
  /** How long after the end of all trouble everybody was level. */
  levelAfterMs: number
  trace: readonly string[]
  coverage: Coverage
}

export const simulate = (seed: number): Promise<Outcome> => simulatePlan(makePlan(seed))

export async function simulatePlan(plan: Plan): Promise<Outcome> {
  const world = new World(plan)
  for (const { atMs, ...op } of plan.ops) world.time.after(atMs, () => applyOp(world, op))
  const { troubleMs, checks } = courseOf(plan)
  await run(world, troubleMs)
  let levelAfterMs = 0
  if (world.oracle.violation === undefined) {
    world.heal()
    await level(world, WITHIN_MS.healed, 'S7', 'after all trouble had ended')
    levelAfterMs = world.time.elapsed - troubleMs
  }
  await checks(world)
  for (const { metrics, presenceMetrics } of world.gateways) {
    for (const one of metrics) await addMetrics(world.coverage, one)
    for (const one of presenceMetrics) await addPresence(world.coverage, one)
  }
  const { violation } = world.oracle
  return {
    ok: violation === undefined,
    seed: plan.seed,
    steps: world.time.steps,
    violation,
    levelAfterMs,
    trace: world.trace,
    coverage: world.coverage,
  }
}

/** How long trouble lasts, and what has to be well after it. */
function courseOf({ shape }: Plan): { troubleMs: number; checks: Scene } {
  if (shape.pages !== undefined) return { troubleMs: PAGES_TROUBLE_MS, checks: pageChecks }
  if (shape.bots !== undefined) return { troubleMs: BOTS_TROUBLE_MS, checks: botChecks }
  return { troubleMs: TROUBLE_MS, checks: healthyChecks }
}
