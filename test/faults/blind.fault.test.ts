/**
 * Shows that the drills can fail, on a rig of real processes: with a loss planted they say what is lost, and with what
 * a rule rests on switched off they say that it does not hold.
 */
import { presenceField, REDIS } from '@rhizom/protocol'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sealedEntry, sealOf } from '../cluster/own-seal.ts'
import { bringUp, type RunSetup } from './run-setup.ts'
import { commitFaults } from './catalog/commit-faults.ts'
import { deafFaults, endFormer } from './catalog/deaf-faults.ts'
import { processFaults } from './catalog/process-faults.ts'
import { FAULT_WITHIN, RIG_WITHIN_MS } from './drill-suite.ts'
import { type Fault, nothingToHeal } from './fault.ts'
import { placeGuests, untilEverybody } from './presence/guests.ts'
import { withRedis } from './stores.ts'

const NEVER_MS = String(3_600_000)

let setup: RunSetup

beforeAll(async () => {
  setup = await bringUp({
    seed: 1,
    pace: { batch: 3, everyMs: 160, visitEveryMs: 180 },
    gateways: 2,
    env: {
      api: { HEADS_INTERVAL_MS: NEVER_MS },
      gateway: { HEADS_CHECK_MS: NEVER_MS, HEADS_SILENCE_MS: NEVER_MS, PRESENCE_LEASE_MS: NEVER_MS },
    },
  })
}, RIG_WITHIN_MS)

afterAll(async () => {
  await setup?.stop()
}, RIG_WITHIN_MS)

const planted = (strike: Fault['strike']): Fault => ({ name: 'planted', weight: 0, holdMs: 0, strike })

test('F20 a change that one client never got makes a drill fail', FAULT_WITHIN, async () => {
  const outcome = await setup.drill.run(
    planted(async ({ clients }) => {
      await clients.untilWritten(60, 30_000)
      const [first] = clients.watchers
      for (const { stretches } of first?.witnesses.values() ?? []) stretches.at(-1)?.seen.splice(5, 1)
      return nothingToHeal
    }),
  )
  expect(outcome).toMatchObject({ passed: false, lost: 1, duplicated: 0, outOfOrder: 0 })
})

test('F20 an acknowledged change that another took the place of makes a drill fail', FAULT_WITHIN, async () => {
  const outcome = await setup.drill.run(
    planted(async ({ clients, rig }) => {
      await clients.untilWritten(60, 30_000)
      const [space = ''] = clients.spaces.busy
      const at = clients.acknowledgements.highest(space) - 3
      await rig.sql`update changes set mutation = gen_random_uuid() where space = ${space} and version = ${at}`
      return nothingToHeal
    }),
  )
  const watching = setup.clients.watchersOf(setup.clients.spaces.busy[0] ?? '').length
  expect(outcome.passed).toBe(false)
  // One promise was not kept, and every client lacks the one and holds the other.
  expect(outcome).toMatchObject({ lost: 1 + watching, duplicated: 0, outOfOrder: watching })
})

test('F20 a hole in the log makes a drill fail', FAULT_WITHIN, async () => {
  const outcome = await setup.drill.run(
    planted(async ({ clients, rig }) => {
      await clients.untilWritten(60, 30_000)
      const [, space = ''] = clients.spaces.busy
      const gone = clients.acknowledgements.highest(space) - 3
      await rig.sql`delete from changes where space = ${space} and version = ${gone}`
      return nothingToHeal
    }),
  )
  expect(outcome.passed).toBe(false)
  expect(outcome.problems.join('\n')).toContain('cannot be read')
  await setup.drill.mend()
})

/** Shorter than what a healthy system would be given: here it is known that it will not be exact. */
const SOON = { exactWithinMs: 1_500 }
/** The same, where all but what was planted has to be exact by then, also on a machine that is busy. */
const AFTER_THE_REST = { exactWithinMs: 6_000 }

test(
  'F27 F28 a client that only watches while it should be here is missing, and called away',
  FAULT_WITHIN,
  async () => {
    const outcome = await setup.drill.run({
      ...planted(async (stage) => {
        const [page] = await placeGuests(stage, 0)
        const [space = ''] = page?.rosters.keys() ?? []
        page?.say({ type: 'subscribe', space, present: false })
        await untilEverybody(stage, 'misses', page === undefined ? [] : [page])
        return nothingToHeal
      }),
      ...AFTER_THE_REST,
    })
    expect(outcome).toMatchObject({ passed: false, ghosts: 0, missing: 1, blinks: 1, exactMs: undefined })
    expect(outcome.problems.join('\n')).toMatch(/missing: .*visitor-\d+.*@churn.*: @guest/)
    expect(outcome.problems.join('\n')).toMatch(/blink: .* was told at .* that @guest\S* left in @churn/)
  },
)

test('F28 somebody who is called away and back is a blink, though all is exact in the end', FAULT_WITHIN, async () => {
  const outcome = await setup.drill.run(
    planted(async (stage) => {
      const [page] = await placeGuests(stage, 1)
      const [space = ''] = page?.rosters.keys() ?? []
      page?.say({ type: 'subscribe', space, present: false })
      await untilEverybody(stage, 'misses', page === undefined ? [] : [page])
      page?.say({ type: 'subscribe', space, present: true })
      return nothingToHeal
    }),
  )
  expect(outcome).toMatchObject({ passed: false, ghosts: 0, missing: 0, blinks: 1 })
  expect(outcome.exactMs).toBeGreaterThan(0)
})

test('F27 an entry of a gateway that nobody knows is a ghost everywhere', FAULT_WITHIN, async () => {
  const bootId = 'a-gateway-that-never-was'
  const ghost = '@somebody-who-never-was'
  const inRedis = <T>(work: (redis: Redis) => Promise<T>): Promise<T> =>
    withRedis(setup.rig.stores.redis.primary.url, work)
  const outcome = await setup.drill.run({
    ...planted(async ({ clients }) => {
      const key = REDIS.here(clients.spaces.churn)
      const field = presenceField(bootId, ghost)
      const seal = await sealOf(setup.rig.cluster)
      const entry = sealedEntry(seal, key, field, { state: {}, since: Date.now() })
      await inRedis((redis) => redis.set(REDIS.gatewayLease(bootId), JSON.stringify({ formerly: [] })))
      await inRedis((redis) => redis.hset(key, field, entry))
      return nothingToHeal
    }),
    ...AFTER_THE_REST,
  })
  await inRedis((redis) => redis.del(REDIS.gatewayLease(bootId)))
  await inRedis((redis) => redis.hdel(REDIS.here(setup.clients.spaces.churn), presenceField(bootId, ghost)))
  expect(outcome).toMatchObject({ passed: false, ghosts: 1, missing: 0, exactMs: undefined })
  const said = outcome.problems.join('\n')
  for (const where of ['Redis', 'api-1', 'api-2'])
    expect(said).toMatch(new RegExp(`ghosts: ${where}, @churn.*${ghost}`))
  await setup.drill.mend()
})

test('F29 a presence frame that does not follow makes a drill fail', FAULT_WITHIN, async () => {
  const outcome = await setup.drill.run(
    planted(async ({ clients }) => {
      const [first] = clients.watchers
      for (const roster of first?.rosters.values() ?? []) {
        const { space } = roster
        const { list } = roster.roster
        const updated = [{ being: '@nobody', state: {}, since: 1 }]
        roster.changed(
          { type: 'presence', space, joined: [], left: [], updated, hereCount: list.size + 1, frozen: false },
          performance.now(),
        )
      }
      return nothingToHeal
    }),
  )
  expect(outcome.passed).toBe(false)
  expect(outcome.problems.join('\n')).toMatch(/malformed presence to lobby-1: @lobby.*@nobody was updated/)
})

test('F30 with leases that do not run out, those of a killed gateway are left as ghosts', FAULT_WITHIN, async () => {
  const killed = processFaults.find(({ name }) => name.startsWith('gateway killed'))
  if (killed === undefined) throw new Error('no such fault')
  const outcome = await setup.drill.run({ ...killed, ...SOON })
  expect(outcome.passed).toBe(false)
  expect(outcome.ghosts).toBeGreaterThan(0)
  expect(outcome.exactMs).toBeUndefined()
})

test('F22 without heads, a change that was committed and not published is missed', FAULT_WITHIN, async () => {
  const [unpublished] = commitFaults
  if (unpublished === undefined) throw new Error('no such fault')
  const outcome = await setup.drill.run({ ...unpublished, ...SOON, levelWithinMs: 1_500 })
  expect(outcome.passed).toBe(false)
  expect(outcome.problems.join('\n')).toContain('not level')
})

test(
  'F32 without the silence of heads, what is written while Redis is deaf for gateways reaches nobody',
  FAULT_WITHIN,
  async () => {
    const [deaf] = deafFaults
    if (deaf === undefined) throw new Error('no such fault')
    const outcome = await setup.drill.run({
      ...deaf,
      ...SOON,
      levelWithinMs: 1_500,
      strike: async (stage) => {
        await deaf.strike(stage)
        return () => endFormer(stage)
      },
    })
    expect(outcome.passed).toBe(false)
    expect(outcome.underFaultMs).toBeUndefined()
    expect(outcome.problems.join('\n')).toContain('nobody was level again while it lasted')
  },
)
