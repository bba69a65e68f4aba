import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { Window } from './window.ts'

function setUp(maxItems = 100) {
  const clock = new ManualClock()
  const batches: string[][] = []
  const window = new Window<string>({
    clock,
    windowMs: 10,
    maxItems,
    keyOf: (item) => (item.startsWith('#') ? undefined : item[0]),
    flush: (items) => void batches.push([...items]),
  })
  return { clock, batches, window }
}

test('M5 the first at once, the others together, the latest of each key', () => {
  const { clock, batches, window } = setUp()
  for (const item of ['a1', 'b1', 'a2', '#', '#', 'b2']) window.push(item)
  expect(batches).toEqual([['a1']])
  clock.advance(10)
  expect(batches.slice(1)).toEqual([['b2', 'a2', '#', '#']])
  window.push('c1')
  clock.advance(10)
  expect(batches.at(-1)).toEqual(['c1'])
  clock.advance(10)
  expect(window.isOpen).toBe(false)
  window.push('d1')
  expect(batches.at(-1)).toEqual(['d1'])
})

test('M5 what is over the bound is refused, and the next window has room again', () => {
  const { clock, batches, window } = setUp(2)
  expect(['#', '#', '#', '#'].map((item) => window.push(item))).toEqual([true, true, true, false])
  clock.advance(10)
  expect(window.push('#')).toBe(true)
  expect(batches).toEqual([['#'], ['#', '#']])
})

test('M5 nothing is lost or doubled, whatever the pauses, and no more batches go than windows', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 25 })), (pauses) => {
      const { clock, batches, window } = setUp(1_000)
      for (const [index, pause] of pauses.entries()) {
        clock.advance(pause)
        window.push(`#${index}`)
      }
      clock.advance(20)
      expect(batches.flat()).toEqual(pauses.map((_pause, index) => `#${index}`))
      expect(batches.length).toBeLessThanOrEqual(2 + Math.ceil(clock.nowMs() / 10))
    }),
  )
})

test('M5 a stopped window lets go of what it holds', () => {
  const { clock, batches, window } = setUp()
  window.push('a')
  window.push('b')
  window.stop()
  clock.advance(100)
  expect(batches).toEqual([['a']])
  expect(clock.timers).toBe(0)
})

test('M6 backoff: bounds, growth, and jitter above the floor', () => {
  const settings = { minMs: 200, baseMs: 400, maxMs: 15_000 }
  const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.nat({ max: 2_000 }), unit, fc.nat({ max: 60_000 }), (failures, random, floorMs) => {
      const waits = backoffMs(settings, failures, random, floorMs)
      const leastMs = Math.max(settings.minMs, floorMs)
      expect(waits).toBeGreaterThanOrEqual(leastMs)
      expect(waits).toBeLessThan(leastMs + Math.min(settings.maxMs, settings.baseMs * 2 ** Math.min(failures, 30)))
    }),
  )
  expect([0, 1, 2, 10, 1_000].map((failures) => backoffMs(settings, failures, 0.5))).toEqual([
    400, 600, 1_000, 7_700, 7_700,
  ])
  expect(backoffMs(settings, 0, 0.25, 1_000)).not.toBe(backoffMs(settings, 0, 0.75, 1_000))
})
