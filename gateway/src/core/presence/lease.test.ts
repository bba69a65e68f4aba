import { beforeEach, describe, expect, test } from 'vitest'
import { type LeaseEvent, leaseMachine, type LeaseState, startLease, trustOf } from './lease.ts'

const settings = { leaseMs: 15_000, retryMs: 500 }
const machine = leaseMachine(settings)
/** The date is another than the time, so that neither is taken for the other. */
const DATE = 1_800_000_000_000
let state: LeaseState
let fresh = 0
const step = (event: LeaseEvent | { type: 'timePassed' }, nowMs: number) => {
  const result = machine.step(state, event, { nowMs, dateMs: DATE + nowMs, random: 0.5 })
  state = result.state
  return result.effects
}
const done = (now: number, rests: Record<string, number | undefined> = {}, renewed = true) => {
  const ttlMs = new Map(
    Object.entries(rests).flatMap(([boot, rest]) => (rest === undefined ? [] : [[boot, rest] as const])),
  )
  return step({ type: 'heartbeatDone', renewed, asked: Object.keys(rests), ttlMs, nextBootId: `fresh${++fresh}` }, now)
}
const typesOf = (effects: readonly { type: string }[]): string[] => effects.map(({ type }) => type)

beforeEach(() => {
  fresh = 0
  state = startLease('b0', 0, settings)
  step({ type: 'busRecovered' }, 10)
  done(20)
})

describe('the own lease', () => {
  test('G105 one heartbeat a third of the lease', () => {
    expect(state).toMatchObject({ link: { status: 'up' }, lease: { status: 'held' } })
    expect(machine.wakesAtMs(state)).toBe(5020)
    expect(step({ type: 'timePassed' }, 5000)).toEqual([])
    expect(step({ type: 'timePassed' }, 5020)).toEqual([
      { type: 'heartbeat', identity: { bootId: 'b0', previousBootIds: [] }, isNew: false, ttlMs: 13_500 },
    ])
    expect(machine.wakesAtMs(state)).toBeUndefined()
    expect(done(5025)).toEqual([])
    expect(machine.wakesAtMs(state)).toBe(10_025)
  })

  test('G111 a lease that is gone is followed by another boot id, and never by the same', () => {
    step({ type: 'timePassed' }, 60_000)
    const again = done(60_005, {}, false)
    const identity = { bootId: 'fresh2', previousBootIds: ['b0'] }
    const doubtfulUntil = DATE + 60_005 + settings.leaseMs
    expect(again).toEqual([{ type: 'heartbeat', identity, isNew: true, ttlMs: 13_500, doubtfulUntil }])
    expect(done(60_010)).toEqual([{ type: 'linkFound', identity, isRecovering: true }])
    step({ type: 'timePassed' }, 120_000)
    done(120_005, {}, false)
    expect(state.identity.previousBootIds).toEqual(['fresh2', 'b0'])
  })

  test('G113 without Redis there is no link; it is back when the bus and a heartbeat are', () => {
    expect(step({ type: 'busLost' }, 100)).toEqual([{ type: 'linkLost' }])
    expect(step({ type: 'busLost' }, 110)).toEqual([])
    step({ type: 'timePassed' }, 5020)
    expect(done(5025)).toEqual([])
    expect(typesOf(step({ type: 'busRecovered' }, 6000))).toEqual(['heartbeat'])
    expect(done(6005)).toEqual([{ type: 'linkFound', identity: state.identity, isRecovering: true }])
  })

  test('G113 a heartbeat that fails takes the link and is repeated soon', () => {
    step({ type: 'timePassed' }, 5020)
    expect(step({ type: 'heartbeatFailed' }, 7500)).toEqual([{ type: 'linkLost' }])
    expect(machine.wakesAtMs(state)).toBe(8000)
    expect(step({ type: 'storeFailed' }, 7600)).toEqual([])
    expect(machine.wakesAtMs(state)).toBe(8000)
  })

  test('G113 what failed during a heartbeat is followed by another', () => {
    step({ type: 'timePassed' }, 5020)
    expect(step({ type: 'storeFailed' }, 5022)).toEqual([{ type: 'linkLost' }])
    expect(typesOf(done(5025))).toEqual(['linkFound', 'heartbeat'])
  })
})

describe('the leases of others', () => {
  test('G110 one that is missing is gone, and is found out when it runs out', () => {
    step({ type: 'timePassed' }, 5020)
    expect(done(5025, { other: 3000, third: 12_000 })).toEqual([])
    expect(machine.wakesAtMs(state)).toBe(5025 + 3015)
    step({ type: 'timePassed' }, 8040)
    expect(done(8045, { other: undefined, third: 9000 })).toEqual([{ type: 'gatewaysGone', boots: ['other'] }])
  })

  test('G112 while our own was missing too, a missing one proves nothing for one lease time', () => {
    step({ type: 'timePassed' }, 5020)
    done(5025, { other: undefined }, false)
    expect(typesOf(done(5030, { other: undefined }))).toEqual(['linkFound'])
    expect(trustOf(state, 5031)).toEqual('nothing')
    for (const at of [6530, 11_535, 16_540, 20_025]) {
      expect(machine.wakesAtMs(state)).toBe(at)
      expect(typesOf(step({ type: 'timePassed' }, at))).toEqual(['heartbeat'])
      if (at < 20_025) expect(typesOf(done(at + 5, { other: undefined }))).toEqual(at === 6530 ? ['trustRestored'] : [])
    }
    expect(trustOf(state, 20_024)).toEqual('entries')
    expect(done(20_030, { other: undefined })).toEqual([{ type: 'gatewaysGone', boots: ['other'] }])
    expect(trustOf(state, 20_030)).toEqual('leases')
  })

  test('G112 right after Redis is back nothing that is missing proves anything', () => {
    step({ type: 'busLost' }, 100)
    step({ type: 'busRecovered' }, 6000)
    expect(typesOf(done(6005, { other: undefined }))).toEqual(['linkFound'])
    expect(trustOf(state, 7504)).toEqual('nothing')
    expect(machine.wakesAtMs(state)).toBe(7505)
    step({ type: 'timePassed' }, 7505)
    expect(typesOf(done(7510, { other: undefined }))).toEqual(['trustRestored', 'gatewaysGone'])
    expect(trustOf(state, 7510)).toEqual('leases')
  })

  test('G121 a date that is set to and fro neither stops heartbeats nor ends a lease', () => {
    for (const [nowMs, dateMs] of [
      [5020, DATE - 30_000],
      [10_025, DATE + 3_600_000],
      [15_030, DATE - 3_600_000],
    ] as const) {
      expect(machine.wakesAtMs(state)).toBe(nowMs)
      const result = machine.step(state, { type: 'timePassed' }, { nowMs, dateMs, random: 0.5 })
      state = result.state
      expect(typesOf(result.effects)).toEqual(['heartbeat'])
      expect(done(nowMs + 5, { other: 9000 })).toEqual([])
    }
  })
})
