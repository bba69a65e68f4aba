import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planLeave } from './drain.ts'

const settings = { withinMs: 20_000, spreadMs: 5000, spreadPerClientMs: 10, batch: 200, batchEveryMs: 100 }

describe('leaving', () => {
  test('G60 however many there are, all are closed in batches within the time, and come back spread', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (count, random) => {
          const last = planLeave(count - 1, count, random, settings)
          expect(last.closeAfterMs).toBeLessThanOrEqual(settings.withinMs)
          expect(last.reconnectAfterMs).toBeLessThanOrEqual(settings.spreadMs)
        },
      ),
    )
    expect(planLeave(199, 1000, 0, settings).closeAfterMs).toBe(0)
    expect(planLeave(200, 1000, 0, settings).closeAfterMs).toBe(100)
  })

  test('G60 few clients are not kept waiting', () => {
    expect(planLeave(0, 1, 0.99, settings)).toEqual({ closeAfterMs: 0, reconnectAfterMs: 10 })
    expect(planLeave(0, 1000, 0.5, settings).reconnectAfterMs).toBe(2500)
  })
})
