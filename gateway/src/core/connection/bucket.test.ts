import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fullBucket, takeTokens } from './bucket.ts'

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
