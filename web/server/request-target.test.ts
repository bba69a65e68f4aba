import { describe, expect, it } from 'vitest'
import { readTarget } from './request-target.ts'

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

const OUT_OF_SHAPE = [
  ...['/v1/../metrics', '/v1/..', '/v1/.', '/v1/./x', '/../v1/spaces', '/a/../../b', '/..', '/.', '/v1/../v1/spaces'],
  ...['/v1/%2e%2e/internal/spaces/@lobby', '/v1/%2E./metrics', '/v1/.%2e/metrics', '/%2e%2e/%2e%2e/etc/passwd'],
  ...['/v1/..%2fmetrics', '/v1/%2e%2e%2fmetrics', '/internal/spaces/..%2f..%2fv1%2fx', '/v1%2f..%2fmetrics', '/a%2Fb'],
  ...['/v1/..\\metrics', '/v1/..%5cmetrics', '/v1\\..\\metrics', '/\\evil.example'],
  ...['//v1/spaces', '/v1//internal/x', '//evil.example/v1/spaces', '/spaces//x', '//'],
  ...['http://127.0.0.1/v1/spaces', 'http://evil.example/metrics', '*', 'v1/spaces', '', 'evil.example:443'],
  ...['/%', '/%z1', '/a%2', '/%E0%A4%A', '/spaces/%ff', '/v1/%c0%ae%c0%ae/metrics'],
  ...['/%00', '/a%00.js', '/a%0d%0ab', '/\u0000', '/a b', '/caf\u00e9', '/a#b', '/v1/x?y#z', '/%7f'],
]

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
