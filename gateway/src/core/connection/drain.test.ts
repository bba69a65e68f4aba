import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planDrain } from './drain.ts'

const settings = { withinMs: 20_000, spreadMs: 5000, spreadPerClientMs: 10, handoverMs: 2000 }

describe('leaving', () => {
  test('G60 however many there are, all are closed within the time, come back spread, and are served until they may', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (count, random) => {
          const { closeAfterMs, reconnectAfterMs } = planDrain(count, random, settings)
          expect(closeAfterMs).toBeLessThanOrEqual(settings.withinMs)
          expect(reconnectAfterMs).toBeLessThanOrEqual(settings.spreadMs)
          expect(closeAfterMs - reconnectAfterMs).toBe(settings.handoverMs)
        },
      ),
    )
    expect(planDrain(1000, 0.5, { ...settings, withinMs: 300 })).toEqual({ reconnectAfterMs: 2500, closeAfterMs: 300 })
  })

  test('G60 few clients are not kept waiting', () => {
    expect(planDrain(1, 0.99, settings)).toEqual({ reconnectAfterMs: 10, closeAfterMs: 2010 })
    expect(planDrain(1000, 0.5, settings).reconnectAfterMs).toBe(2500)
  })
})
