import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  acceptInviteAnswerSchema,
  acceptInviteBodySchema,
  listInvitesAnswerSchema,
  postInviteAnswerSchema,
  postInviteBodySchema,
} from './invite.ts'

const recorded = z
  .record(z.string(), z.unknown())
  .parse(JSON.parse(readFileSync(new URL('../fixtures/v1-invites.json', import.meta.url), 'utf8')))

test.each<[string, z.ZodType]>([
  ['make', postInviteBodySchema],
  ['made', postInviteAnswerSchema],
  ['list', listInvitesAnswerSchema],
  ['accept', acceptInviteBodySchema],
  ['accepted', acceptInviteAnswerSchema],
  ['acceptedBefore', acceptInviteAnswerSchema],
])('P15 the recorded %s of invites still parses, with all that it holds', (name, schema) => {
  expect(schema.parse(recorded[name])).toEqual(recorded[name])
})

test('P105 an invite gives the role of a member or a viewer, to a bounded number, for a bounded time', () => {
  expect(postInviteBodySchema.parse({ role: 'member' })).toEqual({ role: 'member', uses: 1, lifetimeMs: 604_800_000 })
  for (const wrong of [
    ...['owner', 'banned', 'guest', undefined].map((role) => ({ role })),
    ...[0, -1, 1.5, 1001, 1e9].map((uses) => ({ role: 'member', uses })),
    ...[0, 59_999, 90 * 86_400_000 + 1, Number.MAX_SAFE_INTEGER].map((lifetimeMs) => ({ role: 'member', lifetimeMs })),
  ])
    expect([wrong, postInviteBodySchema.safeParse(wrong).success]).toEqual([wrong, false])
  for (const secret of ['', 'x'.repeat(129), 7, undefined])
    expect(acceptInviteBodySchema.safeParse({ secret }).success).toBe(false)
})
