import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { listSessionsAnswerSchema, postSessionAnswerSchema, renewSessionBodySchema } from './http.ts'
import { internalRevokedAnswerSchema } from './internal.ts'
import { sessionClaimsSchema } from './session-token.ts'

const recorded = z
  .record(z.string(), z.unknown())
  .parse(JSON.parse(readFileSync(new URL('../fixtures/v1-sessions.json', import.meta.url), 'utf8')))

test.each<[string, z.ZodType]>([
  ['granted', postSessionAnswerSchema],
  ['renew', renewSessionBodySchema],
  ['list', listSessionsAnswerSchema],
  ['claims', sessionClaimsSchema],
  ['revoked', internalRevokedAnswerSchema],
])('P15 the recorded %s of sessions still parses, with all that it holds', (name, schema) => {
  expect(schema.parse(recorded[name])).toEqual(recorded[name])
})

test('P71 what came with sessions may be missing: a grant, claims and a page of before are as good as ever', () => {
  const without = (name: string, key: string) =>
    z.record(z.string(), z.unknown()).parse({ ...Object(recorded[name]), [key]: undefined })
  expect(postSessionAnswerSchema.parse(without('granted', 'renewal')).renewal).toBeUndefined()
  expect(sessionClaimsSchema.parse(without('claims', 'sid')).sid).toBeUndefined()
  expect(internalRevokedAnswerSchema.parse(without('revoked', 'sessions')).sessions).toBeUndefined()
  for (const renewal of ['', 'x'.repeat(257), 7])
    expect(renewSessionBodySchema.safeParse({ renewal }).success).toBe(false)
})
