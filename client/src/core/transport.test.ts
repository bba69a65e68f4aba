import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DisconnectCause } from './connection-state.ts'
import {
  afterConnection,
  afterFailure,
  afterSuccess,
  anew,
  firstChoice,
  probeOf,
  type TransportChoice,
  TRANSPORTS,
} from './transport.ts'

const unreachable: DisconnectCause = { kind: 'unreachable' }
const mute: DisconnectCause = { kind: 'timedOut', during: 'authenticating' }
const closedWith = (code: number): DisconnectCause => ({ kind: 'closed', code, reason: '' })
const first = firstChoice(TRANSPORTS)

const failed = (choice: TransportChoice, ...causes: DisconnectCause[]): string =>
  causes.reduce((before, cause) => afterFailure(before, cause), choice).name

describe('choosing a transport', () => {
  test('C80 a way that is refused twice, or is mute once, gives way to the next; behind the last comes the first', () => {
    expect(failed(first, unreachable)).toBe('websocket')
    expect(failed(first, unreachable, unreachable)).toBe('sse')
    expect(failed(first, mute)).toBe('sse')
    expect(failed(first, mute, unreachable)).toBe('polling')
    expect(failed(first, mute, mute, unreachable)).toBe('websocket')
  })

  test('C80 what a gateway itself says speaks against no way', () => {
    for (const code of [4000, 4002, 4003, 4004, 4500, 4504]) expect(afterFailure(first, closedWith(code))).toBe(first)
    expect(failed(first, closedWith(1006), closedWith(1006))).toBe('sse')
  })

  test('C80 whatever fails, every way is tried again and again', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(unreachable, mute, closedWith(1006)), { minLength: 12 }), (causes) => {
        const tried = new Set<string>()
        causes.reduce((choice, cause) => {
          tried.add(choice.name)
          return afterFailure(choice, cause)
        }, first)
        expect(tried.size).toBe(TRANSPORTS.length)
      }),
    )
  })

  test('C80 a connection that does not last counts against its way, one that did forgives', () => {
    const once = afterConnection(first, closedWith(1006), false)
    expect(afterConnection(once, closedWith(1006), false)).toMatchObject({ name: 'sse', shortLived: 2 })
    expect(afterConnection(first, closedWith(1006), true)).toMatchObject({ name: 'websocket', shortLived: 0 })
  })

  test('C82 from a lower way the best is tried, after a spread, and the more rarely the less it lasts', () => {
    expect(probeOf(first, 0.5)).toBeUndefined()
    const low = afterSuccess(first, 'polling')
    const delays = [0, 0.25, 0.5, 0.999].map((random) => probeOf(low, random)?.delayMs ?? 0)
    expect(new Set(delays).size).toBe(4)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(4_000)
    expect(probeOf({ ...low, shortLived: 4 }, 0.999)?.delayMs).toBeGreaterThan(60_000)
    expect(probeOf({ ...low, shortLived: 400 }, 0.999)?.delayMs).toBeLessThanOrEqual(304_000)
  })

  test('C82 a person, or another network, begins with the best again', () => {
    expect(anew(afterSuccess(first, 'polling'))).toMatchObject({ name: 'websocket' })
    expect(failed(anew(first), unreachable)).toBe('sse')
  })
})
