/**
 * One run: the operations of a plan are applied to the world, then all trouble ends, and then the world has to be as it
 * should be: level within a bound, and behaving well in the healthy checks, in which nothing but what is announced
 * happens.
 */
import { applyOp } from './apply-op.ts'
import { addMetrics, addPresence, type Coverage } from './coverage.ts'
import { healthyChecks } from './healthy-checks.ts'
import { type Plan, TROUBLE_MS } from './plan.ts'
import { makePlan } from './make-plan.ts'
import { PAGES_TROUBLE_MS } from './page-plan.ts'
import { pageChecks } from './page-scenes.ts'
import type { Violation } from './oracle.ts'
import { level, run, WITHIN_MS } from './scene.ts'
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
  const troubleMs = plan.shape.pages === undefined ? TROUBLE_MS : PAGES_TROUBLE_MS
  await run(world, troubleMs)
  let levelAfterMs = 0
  if (world.oracle.violation === undefined) {
    world.heal()
    await level(world, WITHIN_MS.healed, 'S7', 'after all trouble had ended')
    levelAfterMs = world.time.elapsed - troubleMs
  }
  if (plan.shape.pages === undefined) await healthyChecks(world)
  else await pageChecks(world)
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
