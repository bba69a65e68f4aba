/** Who is here when a gateway dies, stops or is stopped, and when Redis goes away or comes back with nothing. */
import { presenceAnswerSchema, REDIS } from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { LagMeter } from '../cluster/lag-meter.ts'
import { call, type Session, signIn } from '../wire/api-caller.ts'
import { type Guest, type Stage, startStage, TIMES } from './presence-stage.ts'

let stage: Stage
let lag: LagMeter
let guests: Session[]
beforeAll(async () => {
  stage = await startStage()
  lag = new LagMeter([...stage.cluster.apis, ...stage.cluster.gateways])
  lag.start()
  guests = await Promise.all(Array.from({ length: 6 }, (_, index) => signIn(stage.api, `Guest ${index}`)))
})
afterAll(async () => {
  lag?.stop()
  await stage?.stop()
})

const idOf = ({ being }: Session): string => being.id
const node = (index: number) => {
  const found = stage.cluster.gateways[index]
  if (found === undefined) throw new Error('no such gateway')
  return found
}
const crowd = async (index: number, space: string, sessions: readonly Session[]): Promise<Guest[]> =>
  Promise.all(sessions.map((session) => stage.enter(index, session, space)))
const bootsIn = async (space: string): Promise<Set<string>> =>
  new Set((await stage.redis.hkeys(REDIS.here(space))).map((field) => field.split('/')[0] ?? ''))
const frozen = async (space: string): Promise<boolean> => {
  const { body } = await call(stage.api, 'GET', `/v1/spaces/${space}/presence`, { token: stage.ada.token })
  return presenceAnswerSchema.parse(body).frozen
}

test('G110 a gateway that is killed: its beings leave within the lease in one frame, those back elsewhere never blink', async () => {
  const space = await stage.openSpace()
  const watcher = await stage.enter(1, stage.ada, space)
  await crowd(0, space, guests)
  await watcher.sees(stage.ada, ...guests)
  const told = watcher.frames.length
  const killedAt = performance.now()
  await node(0).kill()
  const [first, second, ...others] = guests
  if (first === undefined || second === undefined) throw new Error('too few guests')
  await crowd(2, space, [first, second])
  await watcher.sees(stage.ada, first, second)
  const seenAt = performance.now()
  expect(seenAt - killedAt - lag.lostThroughout(killedAt, seenAt)).toBeLessThan(2 * TIMES.leaseMs)
  const after = watcher.frames.slice(told)
  expect(after).toHaveLength(1)
  expect(after[0]?.left.toSorted()).toEqual(others.map(idOf).sort())
  expect(after[0]?.joined).toEqual([])
  await eventually('the orphans are removed', async () => {
    const stored = await stage.stored(space)
    return stored.join() === [stage.ada, first, second].map(idOf).sort().join()
  })
  await node(0).start()
  watcher.drop()
})

test('G117 gateways that die leave nothing, also where nobody watches, and also when all of them die', async () => {
  const [quiet, other] = await Promise.all([stage.openSpace(), stage.openSpace()])
  const [first, second] = guests
  if (first === undefined || second === undefined) throw new Error('too few guests')
  await stage.enter(0, first, quiet)
  await eventually('the entry is there', async () => (await stage.stored(quiet)).length === 1)
  await node(0).kill()
  await eventually('nobody is left', async () => (await stage.stored(quiet)).length === 0, TIMES.leaseMs * 2)
  await node(0).start()

  await Promise.all([stage.enter(0, first, other), stage.enter(1, second, other)])
  await eventually('both entries are there', async () => (await stage.stored(other)).length === 2)
  await Promise.all(stage.cluster.gateways.map((gateway) => gateway.kill()))
  await Promise.all(stage.cluster.gateways.map((gateway) => gateway.start()))
  await eventually('nobody is left', async () => (await stage.stored(other)).length === 0, TIMES.leaseMs * 2)
  await eventually('they are not known any more', async () => (await stage.redis.zcard(REDIS.knownGateways)) === 3)
  const boots = await stage.redis.zrange(REDIS.knownGateways, '0', '-1')
  const keys = (await stage.redis.keys('rhizom:*')).filter((key) => !key.startsWith('rhizom:rate:'))
  expect(keys.sort()).toEqual([REDIS.knownGateways, ...boots.map(REDIS.gatewayLease)].sort())
  for (const guest of [first, second]) {
    await eventually('it was last seen', async () => (await stage.lastSeen(guest)) !== null)
    expect(Date.now() - ((await stage.lastSeen(guest)) ?? 0)).toBeLessThan(60_000)
  }
})

test('G111 a gateway stopped past its lease is found dead, finds out, and is back with all it holds', async () => {
  const space = await stage.openSpace()
  const watcher = await stage.enter(1, stage.ada, space)
  const inside = await crowd(0, space, guests)
  await watcher.sees(stage.ada, ...guests)
  const before = await bootsIn(space)
  node(0).signal('SIGSTOP')
  try {
    await watcher.sees(stage.ada)
    await eventually('the orphans are removed', async () => (await stage.stored(space)).length === 1)
  } finally {
    node(0).signal('SIGCONT')
  }
  await watcher.sees(stage.ada, ...guests)
  for (const guest of inside) await guest.sees(stage.ada, ...guests)
  expect((await stage.stored(space)).length).toBe(guests.length + 1)
  const after = await bootsIn(space)
  expect([...after].filter((boot) => before.has(boot))).toHaveLength(1)
  for (const guest of [watcher, ...inside]) guest.drop()
})

test('G112 G113 Redis killed and started empty: frozen meanwhile, nobody leaves, everybody is written again', async () => {
  const space = await stage.openSpace()
  const watcher = await stage.enter(1, stage.ada, space)
  const inside = [...(await crowd(0, space, guests.slice(0, 3))), ...(await crowd(2, space, guests.slice(3)))]
  await watcher.sees(stage.ada, ...guests)
  const told = watcher.frames.length
  await stage.killRedis()
  await watcher.socket.until('the word that it is frozen', () => watcher.roster.status === 'frozen')
  await eventually('the api says so too', () => frozen(space))
  const late = await stage.enter(1, stage.bob, space, { present: false })
  await late.socket.until('the newcomer is told that it is frozen', () => late.roster.status === 'frozen')
  expect(late.roster.count).toBe(guests.length + 1)
  await stage.reviveRedis()
  for (const guest of [watcher, late, ...inside]) await guest.sees(stage.ada, ...guests)
  const after = watcher.frames.slice(told)
  expect(after.flatMap(({ joined, left }) => [...joined, ...left])).toEqual([])
  expect(after.map(({ frozen: isFrozen }) => isFrozen)).toEqual([true, false])
  await eventually('all are written again', async () => {
    const stored = await stage.stored(space)
    return stored.join() === [stage.ada, ...guests].map(idOf).sort().join()
  })
  for (const guest of [watcher, late, ...inside]) guest.drop()
})

test('G112 Redis emptied while it runs: all is written again within a lease time', async () => {
  const space = await stage.openSpace()
  const watcher = await stage.enter(1, stage.ada, space)
  const inside = await crowd(0, space, guests)
  await watcher.sees(stage.ada, ...guests)
  const told = watcher.frames.length
  await stage.redis.flushall()
  await eventually(
    'all are written again',
    async () => (await stage.stored(space)).join() === [stage.ada, ...guests].map(idOf).sort().join(),
    TIMES.leaseMs,
  )
  for (const guest of [watcher, ...inside]) await guest.sees(stage.ada, ...guests)
  expect(watcher.frames.slice(told).flatMap(({ joined, left }) => [...joined, ...left])).toEqual([])
  for (const guest of [watcher, ...inside]) guest.drop()
})

test('G113 what happens while Redis does not answer is told in one frame when it does', async () => {
  const space = await stage.openSpace()
  const watcher = await stage.enter(1, stage.ada, space)
  const inside = await crowd(0, space, guests)
  await watcher.sees(stage.ada, ...guests)
  await stage.killRedis()
  await watcher.socket.until('the word that it is frozen', () => watcher.roster.status === 'frozen')
  const told = watcher.frames.length
  for (const guest of inside.slice(0, 2)) guest.drop()
  const bob = await stage.enter(2, stage.bob, space)
  await stage.reviveRedis()
  await watcher.sees(stage.ada, stage.bob, ...guests.slice(2))
  await bob.sees(stage.ada, stage.bob, ...guests.slice(2))
  expect(watcher.frames.slice(told).flatMap(({ joined, left }) => [...joined, ...left])).toHaveLength(3)
  for (const guest of [watcher, bob, ...inside]) guest.drop()
})

test('G115 a gateway that stops in order: who comes back elsewhere does not blink, who does not leaves, nothing stays in Redis', async () => {
  const space = await stage.openSpace()
  const watcher = await stage.enter(1, stage.ada, space)
  const inside = await crowd(0, space, guests)
  await watcher.sees(stage.ada, ...guests)
  const boots = await bootsIn(space)
  const told = watcher.frames.length
  node(0).signal('SIGTERM')
  for (const guest of inside) await guest.socket.hasClosed()
  const [first, ...others] = guests
  if (first === undefined) throw new Error('too few guests')
  const back = await stage.enter(2, first, space)
  expect((await node(0).ended()).code).toBe(0)
  await watcher.sees(stage.ada, first)
  const after = watcher.frames.slice(told)
  expect(after.flatMap(({ joined }) => joined)).toEqual([])
  expect(after.flatMap(({ left }) => left).sort()).toEqual(others.map(idOf).sort())
  const leases = await Promise.all([...boots].map((boot) => stage.redis.exists(REDIS.gatewayLease(boot))))
  expect(leases.filter((isThere) => isThere === 1)).toHaveLength(1)
  expect(await stage.stored(space)).toEqual([stage.ada, first].map(idOf).sort())
  await node(0).start()
  for (const guest of [watcher, back]) guest.drop()
})
