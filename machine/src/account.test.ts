import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Budget, payable, spentTo, waitMs } from './account.ts'

const budgets = fc.record({ perSecond: fc.integer({ min: 1, max: 5000 }), burst: fc.integer({ min: 1, max: 10_000 }) })
const costs = fc.array(
  fc.record({ pauseMs: fc.integer({ min: 0, max: 500 }), cost: fc.integer({ min: 0, max: 300 }) }),
  {
    maxLength: 300,
    size: 'max',
  },
)

test('N80 in any time no more passes than the burst and what came back', () => {
  fc.assert(
    fc.property(budgets, costs, (budget, asked) => {
      let [now, levelAt, passed] = [0, 0, 0]
      for (const { pauseMs, cost: wanted } of asked) {
        now += pauseMs
        const cost = payable(wanted, budget)
        if (waitMs(levelAt, budget, now, cost) > 0) continue
        levelAt = spentTo(levelAt, budget, now, cost)
        passed += cost
      }
      expect(passed).toBeLessThanOrEqual(budget.burst + (now / 1000) * budget.perSecond + 1e-6)
    }),
  )
})

test('N80 whoever waits as long as told passes, and not a whole millisecond sooner', () => {
  fc.assert(
    fc.property(
      budgets,
      fc.integer({ min: 0, max: 100_000 }),
      fc.integer({ min: 1, max: 20_000 }),
      (budget, spent, asked) => {
        const cost = payable(asked, budget)
        const levelAt = spentTo(0, budget, 0, spent)
        const wait = waitMs(levelAt, budget, 0, cost)
        expect(waitMs(levelAt, budget, wait, cost)).toBe(0)
        if (wait > 1) expect(waitMs(levelAt, budget, wait - 1, cost)).toBeGreaterThan(0)
      },
    ),
  )
})

test('N80 what was spent beyond the budget is waited for, however much it was', () => {
  const budget: Budget = { perSecond: 1000, burst: 2000 }
  const levelAt = spentTo(0, budget, 0, 1_000_000)
  expect(waitMs(levelAt, budget, 0, 0)).toBe(998_000)
  expect(waitMs(levelAt, budget, 998_000, 0)).toBe(0)
})
