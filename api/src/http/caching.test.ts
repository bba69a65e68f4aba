import { expect, test } from 'vitest'
import { cacheControlOf } from './caching.ts'

test.each([
  ['POST', '/v1/sessions', 201, 'no-store'],
  ['POST', '/v1/sessions/current/refresh', 200, 'no-store'],
  ['POST', '/v1/spaces/@x/invites', 201, 'no-store'],
  ['POST', '/v1/sessions/renew', 200, 'no-store'],
  ['GET', '/v1/sessions/current', 200, 'private, no-cache'],
  ['GET', '/v1/spaces/@a', 304, 'private, no-cache'],
  ['GET', '/internal/revoked', 200, 'no-store'],
  ['POST', '/operator/v1/beings/@ada/sessions', 200, 'no-store'],
  ['GET', '/v1/spaces/@a', 404, 'no-store'],
  ['GET', '/nowhere', 404, 'no-store'],
  ['GET', '/readyz', 503, 'no-store'],
  ['GET', '/openapi.json', 200, undefined],
])('A62 %s %s answered %i may be kept: %s', (method, url, status, kept) => {
  expect(cacheControlOf(method, url, status)).toBe(kept)
})
