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

test('F35 of a stretch of work all that this process was late in it is taken off, and no more than that', () => {
  let now = 1_000
  const meter = new LagMeter([], () => now)
  for (const passed of [25, 300, 25]) {
    now += passed
    meter.lostThroughout(1_000, now)
  }
  expect(meter.lostThroughout(1_000, now)).toBe(275)
  expect(meter.lostThroughout(1_000, 1_025)).toBe(0)
  expect(meter.lostThroughout(1_175, now)).toBe(137.5)
})
