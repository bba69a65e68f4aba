/**
 * Shows that the drills can fail, on a rig of real processes: with a loss planted they say what is lost, and with what a
 * rule rests on switched off they say that it does not hold.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bringUp, type Cast } from './cast.ts'
import { commitFaults } from './catalog/commit-faults.ts'
import { type Fault, nothingToHeal } from './fault.ts'

const NEVER_MS = String(3_600_000)

let cast: Cast

beforeAll(async () => {
  cast = await bringUp({
    seed: 1,
    pace: { batch: 3, everyMs: 80 },
    gateways: 2,
    env: { api: { HEADS_INTERVAL_MS: NEVER_MS }, gateway: { HEADS_CHECK_MS: NEVER_MS } },
  })
}, 60_000)

afterAll(async () => {
  await cast?.stop()
}, 60_000)

const planted = (strike: Fault['strike']): Fault => ({ name: 'planted', weight: 0, holdMs: 0, strike })

test('F20 a change that one client never got makes a drill fail', { timeout: 60_000 }, async () => {
  const outcome = await cast.drill.run(
    planted(async ({ crowd }) => {
      await crowd.untilWritten(60, 10_000)
      const [first] = crowd.watchers
      for (const { stretches } of first?.witnesses.values() ?? []) stretches.at(-1)?.seen.splice(5, 1)
      return nothingToHeal
    }),
  )
  expect(outcome).toMatchObject({ passed: false, lost: 1, duplicated: 0, outOfOrder: 0 })
})

test('F20 an acknowledged change that another took the place of makes a drill fail', { timeout: 60_000 }, async () => {
  const outcome = await cast.drill.run(
    planted(async ({ crowd, rig }) => {
      await crowd.untilWritten(60, 10_000)
      const [space = ''] = crowd.spaces.busy
      const at = crowd.acknowledgements.highest(space) - 3
      await rig.sql`update changes set mutation = gen_random_uuid() where space = ${space} and version = ${at}`
      return nothingToHeal
    }),
  )
  const watching = cast.crowd.watchersOf(cast.crowd.spaces.busy[0] ?? '').length
  expect(outcome.passed).toBe(false)
  // One promise was not kept, and every client lacks the one and holds the other.
  expect(outcome).toMatchObject({ lost: 1 + watching, duplicated: 0, outOfOrder: watching })
})

test('F20 a hole in the log makes a drill fail', { timeout: 60_000 }, async () => {
  const outcome = await cast.drill.run(
    planted(async ({ crowd, rig }) => {
      await crowd.untilWritten(60, 10_000)
      const [, space = ''] = crowd.spaces.busy
      const gone = crowd.acknowledgements.highest(space) - 3
      await rig.sql`delete from changes where space = ${space} and version = ${gone}`
      return nothingToHeal
    }),
  )
  expect(outcome.passed).toBe(false)
  expect(outcome.problems.join('\n')).toContain('cannot be read')
  await cast.drill.mend()
})

test('F22 without heads, a change that was committed and not published is missed', { timeout: 60_000 }, async () => {
  const [unpublished] = commitFaults
  if (unpublished === undefined) throw new Error('no such fault')
  const outcome = await cast.drill.run(unpublished)
  expect(outcome.passed).toBe(false)
  expect(outcome.problems.join('\n')).toContain('not level')
})
