import { randomBytes } from 'node:crypto'
import { SESSION_TOKEN } from '@rhizom/protocol'
import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { verifySessionToken } from './session-token.ts'
import { keySetOf, newTokenKey, signingKeysOf, tokenKeySettings, verifyingKeysOf } from './token-keys.ts'

const { formerAlgorithm: algorithm, issuer, audience } = SESSION_TOKEN
const secret = randomBytes(32).toString('hex')
const keys = verifyingKeysOf([], secret)
const key = new TextEncoder().encode(secret)
const other = randomBytes(32)

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
  expect(await verifySessionToken(await signed(key), keys)).toMatchObject({ ok: true, being: '@ada' })
  const cases: [string, string][] = [
    ['expired', await signed(key, { forSeconds: -60 })],
    ['otherSecret', await signed(other)],
    ['otherSecret', await signed(other, { forSeconds: -60 })],
    ['invalid', await signed(key, { subject: 'no being' })],
    ['invalid', await signed(key, { by: 'somebody' })],
  ]
  for (const [fault, token] of cases) expect(await verifySessionToken(token, keys)).toEqual({ ok: false, fault })
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
  for (const text of texts) expect((await verifySessionToken(text, keys)).ok).toBe(false)
})

test('N54 a token names its session, or none; one that names no session by its form is invalid', async () => {
  const sid = '0193b2a0-0000-4000-8000-000000000001'
  expect(await verifySessionToken(await signed(key, { sid }), keys)).toMatchObject({ ok: true, session: sid })
  expect(await verifySessionToken(await signed(key), keys)).toMatchObject({ ok: true, session: undefined })
  expect(await verifySessionToken(await signed(key, { sid: '@ada' }), keys)).toEqual({ ok: false, fault: 'invalid' })
})

const signedWith = ({ kid, privateKey }: { kid: string; privateKey: Parameters<SignJWT['sign']>[0] }, alg = 'EdDSA') =>
  new SignJWT({})
    .setProtectedHeader({ alg, kid })
    .setSubject('@ada')
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime('1m')
    .sign(privateKey)

/** As a gateway reads what the api publishes. */
function published(jwks: Parameters<typeof keySetOf>[0], tokenSecret = '') {
  const parsed = tokenKeySettings.TOKEN_PUBLIC_KEYS.schema.parse(JSON.stringify(keySetOf(jwks)))
  return verifyingKeysOf(parsed, tokenSecret)
}

test('N68 what one of several private keys signed is verified with the public ones, and with nothing else', async () => {
  const [one, two] = signingKeysOf({ TOKEN_KEYS: [newTokenKey(), newTokenKey()], TOKEN_SECRET: '' })
  if (one === undefined || two === undefined) throw new Error('no keys')
  const both = published([one.jwk, two.jwk])
  for (const signing of [one, two])
    expect(await verifySessionToken(await signedWith(signing), both)).toMatchObject({ ok: true, being: '@ada' })
  const wrong = { ok: false, fault: 'otherSecret' }
  expect(await verifySessionToken(await signedWith(two), published([one.jwk]))).toEqual(wrong)
  expect(await verifySessionToken(await signedWith({ ...two, kid: one.kid }), both)).toEqual(wrong)
  expect(await verifySessionToken(await signed(key), both)).toEqual(wrong)
})

test('N68 a public key is no secret: what is signed with its letters is refused', async () => {
  const [one] = signingKeysOf({ TOKEN_KEYS: [newTokenKey()], TOKEN_SECRET: '' })
  if (one === undefined) throw new Error('no key')
  for (const letters of [one.jwk.x, JSON.stringify(one.jwk), JSON.stringify(keySetOf([one.jwk]))]) {
    const token = await signedWith({ kid: one.kid, privateKey: new TextEncoder().encode(letters) }, 'HS256')
    expect((await verifySessionToken(token, published([one.jwk]))).ok).toBe(false)
  }
})

test('N69 without keys both processes make the same pair from TOKEN_SECRET, which is good beside keys as well', async () => {
  const [derived] = signingKeysOf({ TOKEN_KEYS: [], TOKEN_SECRET: secret })
  const [first, second] = signingKeysOf({ TOKEN_KEYS: [newTokenKey()], TOKEN_SECRET: secret })
  if (derived === undefined || first === undefined) throw new Error('no key')
  expect(second?.kid).toBe(derived.kid)
  expect(await verifySessionToken(await signedWith(derived), verifyingKeysOf([], secret))).toMatchObject({ ok: true })
  const beside = published([first.jwk], secret)
  for (const token of [await signedWith(first), await signedWith(derived), await signed(key)])
    expect(await verifySessionToken(token, beside)).toMatchObject({ ok: true })
  expect(signingKeysOf({ TOKEN_KEYS: [], TOKEN_SECRET: `${secret}x` })[0]?.kid).not.toBe(derived.kid)
})

test.each(['', 'x', 'a'.repeat(42), 'a b'])('N68 %j is no private key', (text) => {
  expect(tokenKeySettings.TOKEN_KEYS.schema.safeParse(`${newTokenKey()},${text || '!'}`).success).toBe(false)
})

test.each(['x', '{}', '{"keys":[]}', '[]', '{"keys":[{"kty":"oct","k":"x"}]}'])('N68 %j is no key set', (text) => {
  expect(tokenKeySettings.TOKEN_PUBLIC_KEYS.schema.safeParse(text).success).toBe(false)
})
