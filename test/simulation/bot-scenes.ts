/**
 * What bots have to do well in a healthy world, shown at the end of every run that has some: whatever was asked has
 * come to an end, what failed or was stopped is begun anew and answered, and so is whatever is asked now.
 */
import { level, run, type Scene, WITHIN_MS } from './scene.ts'
import type { World } from './world.ts'

const RETRIED_WITHIN_MS = 60_000
/** Whatever was sent twice has arrived twice. */
const ECHOES_MS = 5_000

export const botChecks: Scene = async (world) => {
  const { bots } = world
  if (bots === undefined) return
  const isOver = (): boolean => world.oracle.violation !== undefined
  await ended(world, 'after all trouble had ended')
  if (isOver()) return
  world.note('• what has no answer is retried, and another is asked')
  for (const { id } of bots.ledger.withoutAnswer) bots.retry(id)
  bots.ask()
  await run(world, ECHOES_MS)
  await ended(world, 'after all was retried')
  if (isOver()) return
  const [left] = bots.ledger.withoutAnswer
  if (left !== undefined) world.oracle.fail('S46', `in a healthy world ${left.id} was retried and is ${left.state}`)
  await run(world, ECHOES_MS)
  await level(world, WITHIN_MS.healed, 'S49', 'after bots were asked')
}

async function ended(world: World, when: string): Promise<void> {
  const until = world.time.now() + RETRIED_WITHIN_MS
  while (world.oracle.violation === undefined) {
    const missing = world.bots?.ledger.missing()
    if (missing === undefined) return
    if (world.time.now() >= until) return world.oracle.fail('S46', `${RETRIED_WITHIN_MS} ms ${when}, ${missing}`)
    await run(world, 50)
  }
}
