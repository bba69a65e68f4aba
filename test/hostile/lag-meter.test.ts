import { expect, test } from 'vitest'
import { LagMeter } from './lag-meter.ts'

test('H23 what this process is late when the answer comes is taken off, and what it was late before is not', () => {
  let now = 1_000
  const meter = new LagMeter([], () => now)
  now = 1_025
  expect(meter.lost(1_000, now, [])).toBe(0)
  now = 1_325
  expect(meter.lost(1_000, now, [])).toBe(275)
  expect(meter.lost(1_300, now, [])).toBe(25)
  now = 1_350
  expect(meter.lost(1_000, now, [])).toBe(0)
})
