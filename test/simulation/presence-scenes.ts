/**
 * Final scenarios: people move about while nothing is lost on the way, or something happens to Redis that nobody may
 * seem to leave for. Each run plays one of them towards its end.
 */
import { applyOp } from './apply-op.ts'
import { PRESENCE_OPS_MS, type FinalScenario, MOVES_MS } from './plan.ts'
import { exact, level, NOTICED_WITHIN_MS, run, type Scene, WITHIN_MS } from './scene.ts'
import type { World } from './world.ts'

/** So short that no lease runs out, of which the last may have been renewed a third of its time ago. */
const awayMs = ({ plan }: World): number => Math.round(plan.shape.presence.leaseMs * 0.4)
/** Long enough for a gateway to learn that Redis is away, and for a client to be told. */
const TOLD_WITHIN_MS = 1_000
const SETTLED_WITHIN_MS = 1_000

/** People come, go, move and say things, gateways crash and drain, and nothing is lost on the way. */
const peopleMove: Scene = async (world) => {
  if (world.plan.moves.length === 0) return
  world.note('• people move')
  // What befell Redis before has been got over when this begins, so that nothing is excused any more.
  while (!world.presence.isQuiet && world.oracle.violation === undefined) await run(world, 500)
  for (const { atMs, ...op } of world.plan.moves) world.time.after(atMs, () => applyOp(world, op))
  await run(world, MOVES_MS)
  await level(world, WITHIN_MS.restarted, 'S7', 'after people had moved')
  await exact(world, 'after people had moved', NOTICED_WITHIN_MS)
}

/** Everybody who watches was told that who is here cannot be known. */
function expectFrozen({ presence: { audits }, oracle, spaces }: World, when: string): void {
  for (const audit of audits)
    for (const { id } of spaces)
      if (audit.isOpen() && audit.told(id)?.status === 'exact')
        oracle.fail('S23', `${audit.name} is left sure who is in ${id} ${when}`)
}

/** Does something to Redis and sees to it that nobody seems to leave on account of it. */
async function unmoved(world: World, when: string, strike: () => Promise<void> | void): Promise<void> {
  const { oracle, presence, time, plan } = world
  // Whoever went before is gone.
  await run(world, plan.shape.presence.graceMs + SETTLED_WITHIN_MS)
  presence.nobodyLeavesUntil = Number.POSITIVE_INFINITY
  await strike()
  await exact(world, when)
  presence.nobodyLeavesUntil = time.now()
  await run(world, oracle.violation === undefined ? 1 : 0)
}

/** Half of all hints are lost, late or doubled: the rest, the heartbeats and what Redis holds tell all the same. */
const hintsGoAstray: Scene = async (world) => {
  world.note('• hints go astray')
  world.redis.strayHints = 0.5
  for (const { atMs, ...op } of world.plan.moves) world.time.after(atMs, () => applyOp(world, op))
  await run(world, PRESENCE_OPS_MS)
  world.redis.strayHints = 0
  await exact(world, 'after hints had gone astray')
}

const redisLosesEverything: Scene = (world) =>
  unmoved(world, 'after Redis had lost everything', () => world.redis.empty())

const redisComesBackEmpty: Scene = (world) =>
  unmoved(world, 'after Redis had come back empty', async () => {
    world.redis.goAway()
    world.redis.empty()
    await run(world, TOLD_WITHIN_MS)
    expectFrozen(world, 'while Redis is away')
    await run(world, awayMs(world) - TOLD_WITHIN_MS)
    world.redis.comeBack()
  })

const redisStandsStill: Scene = (world) =>
  unmoved(world, 'after Redis had stood still', async () => {
    world.redis.standStill(awayMs(world))
    await run(world, awayMs(world))
  })

/** Some leases are older there than others, so that gateways may be given up that live. */
const aReplicaTakesOver: Scene = async (world) => {
  world.redis.fallBehind(awayMs(world), TOLD_WITHIN_MS)
  await run(world, awayMs(world) + TOLD_WITHIN_MS)
  await exact(world, 'after a replica had taken over')
}

const aGatewayIsCutOff: Scene = (world) =>
  unmoved(world, 'after a gateway had been cut off from Redis', async () => {
    const [gateway] = world.gateways
    gateway?.store?.suffer('deaf', awayMs(world))
    await run(world, awayMs(world))
  })

export const RUN_FINAL_SCENARIO: Readonly<Record<FinalScenario, Scene>> = {
  'people move': peopleMove,
  'hints go astray': hintsGoAstray,
  'Redis loses everything': redisLosesEverything,
  'Redis comes back empty': redisComesBackEmpty,
  'Redis stands still': redisStandsStill,
  'a replica takes over': aReplicaTakesOver,
  'a gateway is cut off': aGatewayIsCutOff,
}
