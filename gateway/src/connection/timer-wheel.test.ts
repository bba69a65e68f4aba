import { ManualClock } from '@rhizom/machine/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AWAKE, type Sleeper, TimerWheel } from './timer-wheel.ts'

const TICK_MS = 20
const SLOTS = 8

class Member implements Sleeper {
  tick = AWAKE
  wakesAtMs: number | undefined
  readonly wokenAtMs: number[] = []
  readonly #clock: ManualClock
  readonly #then: (member: Member) => void

  constructor(clock: ManualClock, wakesAtMs: number | undefined, then: (member: Member) => void = () => undefined) {
    this.#clock = clock
    this.wakesAtMs = wakesAtMs
    this.#then = then
  }

  wake(): void {
    this.wokenAtMs.push(this.#clock.nowMs())
    this.wakesAtMs = undefined
    this.#then(this)
  }
}

function made(nowMs = 1_000_003) {
  const clock = new ManualClock(nowMs)
  const faults: unknown[] = []
  const wheel = new TimerWheel(clock, (error) => faults.push(error), { tickMs: TICK_MS, slots: SLOTS })
  const scheduled = (afterMs: number | undefined, then?: (member: Member) => void): Member => {
    const member = new Member(clock, afterMs === undefined ? undefined : clock.nowMs() + afterMs, then)
    wheel.schedule(member)
    return member
  }
  return { clock, faults, wheel, scheduled }
}

describe('one timer for thousands', () => {
  test('G220 each is woken once, not before it is due and within a tick after it, also turns later', () => {
    const times = fc.array(fc.integer({ min: 0, max: TICK_MS * SLOTS * 4 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 100 }), (delays, stepMs) => {
        const { clock, scheduled } = made()
        const members = delays.map((delayMs) => ({ dueMs: clock.nowMs() + delayMs, member: scheduled(delayMs) }))
        expect(clock.timers).toBe(1)
        for (let passed = 0; passed <= TICK_MS * (SLOTS * 4 + 2); passed += stepMs) clock.advance(stepMs)
        for (const { dueMs, member } of members) {
          expect(member.wokenAtMs).toHaveLength(1)
          expect(member.wokenAtMs[0]).toBeGreaterThanOrEqual(dueMs)
          expect(member.wokenAtMs[0]).toBeLessThanOrEqual(dueMs + TICK_MS)
        }
        expect(clock.timers).toBe(0)
      }),
    )
  })

  test('G220 ten thousand that wait for the same need one timer, and none is left of those who went', () => {
    const { clock, wheel, scheduled } = made()
    const members = Array.from({ length: 10_000 }, (_none, index) => scheduled(20_000 + (index % 700)))
    expect(clock.timers).toBe(1)
    for (const member of members.slice(1)) wheel.forget(member)
    clock.advance(30_000)
    expect(members.filter(({ wokenAtMs }) => wokenAtMs.length > 0)).toHaveLength(1)
    expect(clock.timers).toBe(0)
  })

  test('G220 who is due sooner than before is woken sooner, who is due later is not woken in vain', () => {
    const { clock, wheel, scheduled } = made()
    const member = scheduled(500)
    member.wakesAtMs = clock.nowMs() + 100
    wheel.schedule(member)
    clock.advance(130)
    expect(member.wokenAtMs).toHaveLength(1)
    const other = scheduled(100)
    other.wakesAtMs = clock.nowMs() + 500
    wheel.schedule(other)
    clock.advance(490)
    expect(other.wokenAtMs).toEqual([])
    clock.advance(40)
    expect(other.wokenAtMs).toHaveLength(1)
  })

  test('G220 who asks again while it is woken is woken again, and what one throws costs nobody else', () => {
    const { clock, faults, scheduled } = made()
    const again = scheduled(40, (member) => {
      if (member.wokenAtMs.length < 3) member.wakesAtMs = clock.nowMs()
    })
    const broken = scheduled(40, () => {
      throw new Error('planted')
    })
    const others = [scheduled(40), scheduled(40)]
    clock.advance(200)
    expect(again.wokenAtMs).toHaveLength(3)
    expect([broken.wokenAtMs.length, ...others.map(({ wokenAtMs }) => wokenAtMs.length)]).toEqual([1, 1, 1])
    expect(faults).toHaveLength(1)
  })

  test('G220 after a stall of many turns everybody who is due is woken, and nobody else', () => {
    let nowMs = 1_000_003
    let fire: () => void = () => undefined
    const clock = {
      nowMs: () => nowMs,
      after: (_delayMs: number, callback: () => void) => {
        fire = callback
        return () => undefined
      },
    }
    const wheel = new TimerWheel(clock, () => undefined, { tickMs: TICK_MS, slots: SLOTS })
    const members = [10, 500, 3_000, 90_000].map((delayMs) => {
      const woken: number[] = []
      const member: Sleeper & { woken: number[] } = {
        tick: AWAKE,
        wakesAtMs: nowMs + delayMs,
        woken,
        wake: () => void woken.push(nowMs),
      }
      wheel.schedule(member)
      return member
    })
    nowMs += 60_000
    fire()
    expect(members.map(({ woken }) => woken.length)).toEqual([1, 1, 1, 0])
  })
})
