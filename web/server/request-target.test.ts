import { describe, expect, it } from 'vitest'
import { readTarget } from './request-target.ts'
import { OUT_OF_SHAPE } from './testing/out-of-shape.ts'

const kindOf = (target: string): string => readTarget(target).kind

describe('what a target asks for', () => {
  it.each([
    '/',
    '/spaces/@lobby',
    '/spaces/%40lobby',
    '/assets/index-Ab1.js',
    '/a%2525',
    '/v1x/y',
    '/%76%31/spaces',
    '/V1/x',
    '/spaces/@a%2Fb',
    '/v1%2Fx',
  ])('W22 %s is an address of the page', (target) => expect(kindOf(target)).toBe('page'))

  it.each(['/v1', '/v1/', '/v1/spaces', '/v1/spaces/%40lobby?limit=5', '/v1/synchronise', '/v1/x?y=../z//%2e\\'])(
    'W22 %s is for the api, as it came',
    (target) => expect(readTarget(target)).toEqual({ kind: 'api', pathAndQuery: target }),
  )

  it.each(['/v1/sync', '/v1/sync?x', '/v1/sync/sse'])('W22 %s is for a gateway, as it came', (target) =>
    expect(readTarget(target)).toEqual({ kind: 'sync', pathAndQuery: target }),
  )

  it('W21 parts are decoded once', () => {
    expect(readTarget('/spaces/%2561%40b')).toMatchObject({ segments: ['spaces', '%61@b'] })
  })
})

describe('what is refused', () => {
  it.each(OUT_OF_SHAPE)('W21 %j', (target) =>
    expect(readTarget(target)).toMatchObject({ kind: 'refused', status: 400 }),
  )

  it('W21 an address far too long', () => {
    expect(kindOf(`/${'a'.repeat(8_000)}`)).toBe('page')
    for (const length of [8_192, 100_000, 10_000_000])
      expect(readTarget(`/${'a'.repeat(length)}`)).toMatchObject({ kind: 'refused', status: 414 })
  })
})
