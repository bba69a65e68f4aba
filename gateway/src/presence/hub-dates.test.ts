/** Several gateways' presence over one model of Redis, in virtual time (testing/presence-world.ts): dates are set. */
import { expect, test } from 'vitest'
import { calm, frames, names, settings, watch } from '../testing/presence-world.ts'

const STEPS = [-30_000, 3_600_000, -7_200_000]

test('G121 a date that is set to and fro on one gateway makes nobody leave, and stops no heartbeat', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  for (const being of ['@ada', '@bob']) world.come(0, being)
  await world.time.pass(1000)
  const told = frames(watcher)
  for (const step of STEPS) {
    world.node(0).gate.stepDate(step)
    world.redis.commands.clear()
    await world.time.pass(settings.lease.leaseMs * 2)
    expect(world.redis.commands.get('heartbeat')).toBe(12)
  }
  expect(frames(watcher)).toBe(told)
  expect([...world.redis.leases.keys()]).toEqual(['g0_1000000-1', 'g1_1000000-1'])
})

test.each(STEPS)(
  'G121 the grace, the window and a state last as long and count as much when the date is set by %d ms',
  async (step) => {
    const world = await calm(2)
    const watcher = await watch(world, 1)
    const [ada, bob] = [world.come(0, '@ada'), world.come(1, '@bob')]
    await world.time.pass(1000)
    world.state(bob, { n: 1 })
    const gone = world.node(0).gate.dateMs()
    world.go(ada)
    for (const { gate } of world.nodes) gate.stepDate(step)
    world.state(bob, { n: 2 })
    await world.time.pass(settings.roster.graceMs - 100)
    expect(names(watcher)).toEqual(['@ada', '@bob'])
    expect(watcher.here.get('@bob')?.state).toEqual({ n: 2 })
    await world.time.pass(400)
    expect(names(watcher)).toEqual(['@bob'])
    expect([...world.node(0).lastSeen]).toEqual([['@ada', gone]])
  },
)

test('G121 a lost hint is found by the heartbeat, and a gateway that died within its lease, whatever the date', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  world.come(0, '@ada')
  await world.time.pass(1000)
  world.redis.losesHints = true
  world.come(0, '@bob')
  await world.time.pass(500)
  world.redis.losesHints = false
  for (const { gate } of world.nodes) gate.stepDate(-3_600_000)
  await world.time.pass(settings.lease.leaseMs / 2)
  expect(names(watcher)).toEqual(['@ada', '@bob'])
  world.kill(0)
  world.node(1).gate.stepDate(-3_600_000)
  await world.time.pass(settings.lease.leaseMs)
  expect(names(watcher)).toEqual([])
})
