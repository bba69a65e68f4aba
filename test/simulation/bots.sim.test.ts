/** The simulation over seeds in which copies of a bot are asked. */
import { beforeAll, describe, expect, test } from 'vitest'
import { makeBotPlan } from './bot-plan.ts'
import { addAll, type Coverage } from './coverage.ts'
import { type Outcome, simulatePlan } from './simulate.ts'

const SEEDS = 30

const story = ({ seed, violation, trace }: Outcome): string =>
  `seed ${seed} breaks ${violation?.rule}: ${violation?.text}\n${trace.slice(-15).join('\n')}\n` +
  `see it whole and shrunk: npm run soak -- --bots --seed ${seed}`

const EXPECTED: readonly string[] = [
  'op botAsked',
  'op replyCancelled',
  'op replyRetried',
  'op botKilled',
  'op botFreezes',
  'op botCutOff',
  'op botStops',
  'op leaderAway',
  'bots claimed',
  'bots renewed',
  'bots a claim lost',
  'bots a lease ran out',
  'bots given up',
  'bots fenced',
  'bots a gap',
  'bots handed back',
  'bots retried',
  'bots ended complete',
  'bots ended cancelled',
]

describe('many seeds of bots', () => {
  const coverage: Coverage = new Map()
  const failed: Outcome[] = []

  beforeAll(async () => {
    const startedAt = performance.now()
    let steps = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await simulatePlan(makeBotPlan(seed))
      steps += outcome.steps
      addAll(coverage, outcome.coverage)
      if (!outcome.ok) failed.push(outcome)
    }
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    process.stdout.write(
      `simulation of bots: ${SEEDS} seeds, ${steps.toLocaleString('en')} steps in ${seconds} s, ${failed.length} failed\n`,
    )
  })

  const expectHeld = (rule: string): void => {
    const broken = failed.filter(({ violation }) => violation?.rule === rule)
    expect(broken.map(story).slice(0, 3).join('\n\n')).toBe('')
  }

  test('S40 each question has one reply', () => expectHeld('S40'))
  test('S41 of those who claim one wins, and it alone is told so', () => expectHeld('S41'))
  test('S42 a reply says what its holder said, never torn, and no word of another', () => expectHeld('S42'))
  test('S43 what is complete is whole', () => expectHeld('S43'))
  test('S44 a claim is taken away when its lease has run out, and never sooner', () => expectHeld('S44'))
  test('S45 leases that run out are counted as attempts, up to the last', () => expectHeld('S45'))
  test('S46 whatever is asked ends, and what is retried is complete', () => expectHeld('S46'))
  test('S47 what those who write are told is true', () => expectHeld('S47'))
  test('S49 with bots in the world the other rules hold as well', () => {
    const others = failed.filter(({ violation }) => !/^S4[0-7]$/.test(violation?.rule ?? ''))
    expect(others.map(story).slice(0, 3).join('\n\n')).toBe('')
  })
  test('S48 all that can happen to bots happens in these seeds', () => {
    expect(EXPECTED.filter((what) => !coverage.has(what))).toEqual([])
  })
})

test('S13 the same seed of bots tells the same story, to the last step', async () => {
  const one = await simulatePlan(makeBotPlan(1))
  const other = await simulatePlan(makeBotPlan(1))
  expect(other.trace).toEqual(one.trace)
  expect(other.steps).toBe(one.steps)
})
