/** The simulation over many seeds, the seeds and plans that once found something, and the simulation itself. */
import { beforeAll, describe, expect, test } from 'vitest'
import { addAll, type Coverage, EXPECTED } from './coverage.ts'
import { variantsOf } from './regression.ts'
import { REGRESSIONS } from './regressions.ts'
import { CALM, NO_PRESENCE, type Plan } from './plan.ts'
import { makePlan } from './make-plan.ts'
import { describePlan, shrink, shrinkWith } from './shrink.ts'
import { type Outcome, simulate, simulatePlan } from './simulate.ts'

const SEEDS = 200

const story = ({ seed, violation, trace }: Outcome): string =>
  `seed ${seed} breaks ${violation?.rule}: ${violation?.text}\n${trace.slice(-15).join('\n')}\n` +
  `see it whole and shrunk: npm run soak -- --seed ${seed}`

describe('many seeds', () => {
  const coverage: Coverage = new Map()
  const failed: Outcome[] = []
  let steps = 0
  let slowest = 0

  beforeAll(async () => {
    const startedAt = performance.now()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await simulate(seed)
      steps += outcome.steps
      slowest = Math.max(slowest, outcome.levelAfterMs)
      addAll(coverage, outcome.coverage)
      if (!outcome.ok) failed.push(outcome)
    }
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    process.stdout.write(
      `simulation: ${SEEDS} seeds, ${steps.toLocaleString('en')} steps in ${seconds} s, ${failed.length} failed; ` +
        `the slowest was level ${slowest} ms after all trouble\n`,
    )
  })

  /** The seeds that broke a rule tell their story. */
  const expectHeld = (rule: string): void => {
    const broken = failed.filter(({ violation }) => violation?.rule === rule)
    expect(broken.map(story).slice(0, 3).join('\n\n')).toBe('')
  }

  test('S1 a client holds what the log says at its version, all of it and each change once', () => expectHeld('S1'))
  test('S2 no version goes backwards and no epoch comes back', () => expectHeld('S2'))
  test('S3 what follows an answer is whole: no gap, no double, no head beyond it', () => expectHeld('S3'))
  test('S4 nobody is sent what it may not read, and nobody refused what it may', () => expectHeld('S4'))
  test('S5 a feed reads one at a time, and never in a loop', () => expectHeld('S5'))
  test('S6 nobody connects or asks in a loop, or sooner than it was asked to', () => expectHeld('S6'))
  test('S26 nobody is answered with a space and goes on taking it for closed', () => expectHeld('S26'))
  test('S7 everybody is level soon after all trouble, and nobody has given up', () => expectHeld('S7'))
  test('S8 nothing happens while nothing happens', () => expectHeld('S8'))
  test('S9 a published change is everywhere at once, without a read', () => expectHeld('S9'))
  test('S10 what no message announced arrives by heads, gaps and polls in time', () => expectHeld('S10'))
  test('S11 a storm of resumes costs one read a space and gateway, and no snapshot', () => expectHeld('S11'))
  test('S19 everybody knows who is here soon after all trouble, and Redis holds nothing else', () => expectHeld('S19'))
  test('S20 what is told of who is here fits what was told before', () => expectHeld('S20'))
  test('S21 nobody seems to leave who was never away for long', () => expectHeld('S21'))
  test('S22 who is gone is gone from every list in time, those of a crashed gateway together', () => expectHeld('S22'))
  test('S23 while Redis is away everybody is told that who is here cannot be known', () => expectHeld('S23'))
  test('S24 signals come soon, the latest of each name, and to those who may read', () => expectHeld('S24'))
  test('S25 no roster is kept and nothing in Redis when everybody has left', () => expectHeld('S25'))
  test('S18 nothing is left of those who have left', () => expectHeld('S18'))

  test('S16 everything that the simulation is about happens in these seeds', () => {
    expect(EXPECTED.filter((what) => !coverage.has(what))).toEqual([])
  })
})

test.each(REGRESSIONS)('S17 what once was found stays found out: $name', async (kept) => {
  for (const plan of variantsOf(kept)) {
    const outcome = await simulatePlan(plan)
    expect(outcome.violation && story(outcome)).toBeUndefined()
  }
})

test('S13 the same seed tells the same story, to the last step', async () => {
  for (const seed of [1, 2, 3]) {
    const one = await simulate(seed)
    const other = await simulate(seed)
    expect(other.trace).toEqual(one.trace)
    expect(other.steps).toBe(one.steps)
  }
})

test('S13 another seed tells another story', async () => {
  expect((await simulate(1)).trace).not.toEqual((await simulate(2)).trace)
})

/** A client that has everything, a database that forgets the end of it, and other changes in its place. */
const forgetful = (kind: 'restore' | 'loseTail'): Plan => {
  const { shape } = makePlan(1)
  const write = { kind: 'write', space: 0, what: ['say'], api: 0, publish: { afterMs: 1 } } as const
  return {
    seed: 1,
    shape: { ...shape, clients: 1, gateways: 1, spaces: 1, weather: CALM, presence: NO_PRESENCE },
    finalScenario: 'people move',
    moves: [],
    ops: [
      { atMs: 0, kind: 'watch', client: 0, space: 0 },
      { atMs: 1, kind: 'show', space: 0, visibility: 'public', publish: { afterMs: 1 } },
      { atMs: 1_000, ...write, salt: 1 },
      { atMs: 1_100, ...write, salt: 2 },
      { atMs: 2_000, kind, space: 0, lost: 2 },
      { atMs: 2_100, ...write, salt: 3 },
      { atMs: 2_200, ...write, salt: 4 },
      { atMs: 2_300, ...write, salt: 5 },
    ],
  }
}
test('S12 a database restored with a new epoch is followed', async () => {
  expect((await simulatePlan(forgetful('restore'))).violation).toBeUndefined()
})

test('S12 a database restored without a new epoch is beyond what is promised: versions go back to what the log says', async () => {
  expect((await simulatePlan(forgetful('loseTail'))).violation?.rule).toBe('S2')
})

test('S15 a failing plan shrinks to the operations that matter', async () => {
  const plan = { ...makePlan(7), ops: [...makePlan(7).ops, ...forgetful('loseTail').ops] }
  const isCulprit = ({ ops }: Plan): Promise<boolean> =>
    Promise.resolve(ops.some(({ kind }) => kind === 'loseTail') && ops.some(({ kind }) => kind === 'show'))
  const { plan: small } = await shrinkWith(plan, isCulprit, 500)
  expect(small.ops.map(({ kind }) => kind).toSorted()).toEqual(['loseTail', 'show'])
  expect(small.shape).toMatchObject({ clients: 1, gateways: 1, spaces: 1, weather: CALM })
})

test('S15 a shrunk plan still breaks the same rule and can be read', async () => {
  const { plan } = await shrink(forgetful('loseTail'), 'S1', 60)
  expect((await simulatePlan(plan)).violation?.rule).toBe('S1')
  expect(plan.ops.length).toBeLessThan(forgetful('loseTail').ops.length)
  expect(describePlan(plan)).toContain('loseTail')
})
