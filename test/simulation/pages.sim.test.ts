/** The simulation over seeds in which people write on pages, and the deliberate faults that these have to find. */
import { beforeAll, describe, expect, test } from 'vitest'
import { addAll, type Coverage } from './coverage.ts'
import { makePagePlan } from './page-plan.ts'
import { type Outcome, simulatePlan } from './simulate.ts'

/** About a tenth of what the other seeds cost. */
const SEEDS = 30

const story = ({ seed, violation, trace }: Outcome): string =>
  `seed ${seed} breaks ${violation?.rule}: ${violation?.text}\n${trace.slice(-15).join('\n')}\n` +
  `see it whole and shrunk: npm run soak -- --pages --seed ${seed}`

const EXPECTED: readonly string[] = [
  'op pageWrites',
  'op pageReloads',
  'op pageCut',
  'op pageKilled',
  'op pageFreezes',
  'op pageLeft',
  'op browserCrashes',
  'op storageSuffers',
  'op wayBlocked',
  'op gatewaysDie',
  'page by websocket',
  'page by sse',
  'page polling',
  'page kept',
  'page not-kept',
  'what was kept was shown',
  'a refusal',
  'a cancelled one was taken back',
]

describe('many seeds of pages', () => {
  const coverage: Coverage = new Map()
  const failed: Outcome[] = []

  beforeAll(async () => {
    const startedAt = performance.now()
    let steps = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await simulatePlan(makePagePlan(seed))
      steps += outcome.steps
      addAll(coverage, outcome.coverage)
      if (!outcome.ok) failed.push(outcome)
    }
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    process.stdout.write(
      `simulation: ${SEEDS} seeds of pages, ${steps.toLocaleString('en')} steps in ${seconds} s, ${failed.length} failed\n`,
    )
  })

  const expectHeld = (...rules: string[]): void => {
    const broken = failed.filter(({ violation }) => violation !== undefined && rules.includes(violation.rule))
    expect(broken.map(story).slice(0, 3).join('\n\n')).toBe('')
  }

  test('S27 what was asked for arrives, once, under its id, and nothing else does', () => expectHeld('S27'))
  test('S28 what one page asks for in one space keeps its order', () => expectHeld('S28'))
  test('S29 what a page is told of outcomes is true', () => expectHeld('S29'))
  test('S30 nothing that a page shows goes before its time, or is there twice', () => expectHeld('S30'))
  test('S31 what is kept is what the log says, is shown first, and is gone on from', () => expectHeld('S31'))
  test('S32 another page sends when the one that sends is killed, and when it stands still', () => expectHeld('S32'))
  test('S33 with every gateway dead pages poll, and come up again', () => expectHeld('S33'))
  test('S36 while all is well each mutation is sent once', () => expectHeld('S36'))
  test('S34 with pages in the world the other rules hold as well', () => {
    const others = failed.filter(({ violation }) => !/^S(2[7-9]|3[0-36])$/.test(violation?.rule ?? ''))
    expect(others.map(story).slice(0, 3).join('\n\n')).toBe('')
  })
  test('S35 all that can happen to pages happens in these seeds', () => {
    expect(EXPECTED.filter((what) => !coverage.has(what))).toEqual([])
  })
})

test('S13 the same seed of pages tells the same story, to the last step', async () => {
  const one = await simulatePlan(makePagePlan(1))
  const other = await simulatePlan(makePagePlan(1))
  expect(other.trace).toEqual(one.trace)
  expect(other.steps).toBe(one.steps)
})
