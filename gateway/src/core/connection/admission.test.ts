import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientAddress, fullBucket, takeTokens } from './admission.ts'

describe('addresses', () => {
  test('G24 X-Forwarded-For counts only as many hops as proxies are trusted', () => {
    expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 0)).toBe('10.0.0.1')
    expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 1)).toBe('2.2.2.2')
    expect(clientAddress('10.0.0.1', '1.1.1.1, 2.2.2.2', 2)).toBe('1.1.1.1')
    expect(clientAddress('10.0.0.1', '', 1)).toBe('10.0.0.1')
    expect(clientAddress('10.0.0.1', '1.1.1.1', 3)).toBe('10.0.0.1')
  })
})

describe('the token bucket', () => {
  const settings = { perSecond: 20, burst: 100 }

  test('G20 in any time no more pass than the burst and what grew back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 400, size: 'max' }), (pauses) => {
        let bucket = fullBucket(settings, 0)
        let now = 0
        let passed = 0
        for (const pause of pauses) {
          now += pause
          const taken = takeTokens(bucket, settings, now, 1)
          bucket = taken.bucket
          if (taken.ok) passed++
        }
        expect(passed).toBeLessThanOrEqual(settings.burst + (now / 1000) * settings.perSecond)
      }),
    )
  })

  test('G20 whoever waits as long as told passes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 50 }), (perSecond, burst) => {
        let bucket = fullBucket({ perSecond, burst }, 0)
        for (let i = 0; i < burst; i++) bucket = takeTokens(bucket, { perSecond, burst }, 0, 1).bucket
        const refused = takeTokens(bucket, { perSecond, burst }, 0, 1)
        expect(refused.ok).toBe(false)
        const waitMs = refused.ok ? 0 : refused.retryAfterMs
        expect(takeTokens(refused.bucket, { perSecond, burst }, waitMs, 1).ok).toBe(true)
      }),
    )
  })
})
