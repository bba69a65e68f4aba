import { randomBytes } from 'node:crypto'
import { SESSION_TOKEN } from '@rhizom/protocol'
import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { tokenKey, verifySessionToken } from './session-token.ts'

const { algorithm, issuer, audience } = SESSION_TOKEN
const key = tokenKey(randomBytes(32).toString('hex'))
const other = tokenKey(randomBytes(32).toString('hex'))

interface Wanted {
  subject?: string
  forSeconds?: number
  by?: string
  sid?: string
}

function signed(
  secret: Uint8Array,
  { subject = '@ada', forSeconds = 60, by = issuer, sid }: Wanted = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const token = new SignJWT(sid === undefined ? {} : { sid })
    .setProtectedHeader({ alg: algorithm })
    .setSubject(subject)
    .setIssuer(by)
  return token
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + forSeconds)
    .sign(secret)
}

test('N40 a token is good, expired, signed with another secret, or invalid', async () => {
  expect(await verifySessionToken(await signed(key), key)).toMatchObject({ ok: true, being: '@ada' })
  const cases: [string, string][] = [
    ['expired', await signed(key, { forSeconds: -60 })],
    ['otherSecret', await signed(other)],
    ['otherSecret', await signed(other, { forSeconds: -60 })],
    ['invalid', await signed(key, { subject: 'no being' })],
    ['invalid', await signed(key, { by: 'somebody' })],
  ]
  for (const [fault, token] of cases) expect(await verifySessionToken(token, key)).toEqual({ ok: false, fault })
})

test('N40 whatever a peer sends is an answer and no fault of ours', async () => {
  const good = await signed(key)
  const texts = [
    '',
    '.',
    '..',
    'a.b.c',
    good.slice(1),
    `${good}x`,
    good.replace('.', ''),
    '\u0000',
    'é.é.é',
    '{}',
    'e30.e30.',
  ]
  for (const text of texts) expect((await verifySessionToken(text, key)).ok).toBe(false)
})

test('N54 a token names its session, or none; one that names no session by its form is invalid', async () => {
  const sid = '0193b2a0-0000-4000-8000-000000000001'
  expect(await verifySessionToken(await signed(key, { sid }), key)).toMatchObject({ ok: true, session: sid })
  expect(await verifySessionToken(await signed(key), key)).toMatchObject({ ok: true, session: undefined })
  expect(await verifySessionToken(await signed(key, { sid: '@ada' }), key)).toEqual({ ok: false, fault: 'invalid' })
})
