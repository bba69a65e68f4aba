import { randomUUID } from 'node:crypto'
import { newTokenKey, signingKeysOf, verifyingKeysOf } from '@rhizom/process'
import { expect, test } from 'vitest'
import { rememberingTokens } from './remembered-tokens.ts'
import { type SessionTokens, sessionTokens } from './session-token.ts'

const TTL_SECONDS = 60
const session = randomUUID()

/** Real tokens, and how often one was verified. */
function counted(max?: number) {
  const [signing] = signingKeysOf({ TOKEN_KEYS: [newTokenKey()], TOKEN_SECRET: '' })
  if (signing === undefined) throw new Error('no key')
  const verifying = verifyingKeysOf([signing.jwk], '')
  const real = sessionTokens({ signing, verifying, ttlSeconds: TTL_SECONDS, refused: () => undefined })
  let verified = 0
  const counting: SessionTokens = {
    ...real,
    verify: (token) => {
      verified += 1
      return real.verify(token)
    },
  }
  let nowMs = Date.now()
  const tokens = rememberingTokens(counting, () => nowMs, max)
  return { tokens, verified: () => verified, pass: (ms: number) => (nowMs += ms) }
}

test('A266 a token that was good is verified once while it lasts, and again when its time is over', async () => {
  const { tokens, verified, pass } = counted()
  const { token, expiresAt } = await tokens.issue('@ada', session)
  for (let n = 0; n < 3; n += 1)
    expect(await tokens.verify(token)).toEqual({ ok: true, session: { being: '@ada', session, expiresAt } })
  expect(verified()).toBe(1)
  pass(TTL_SECONDS * 1000 + 1)
  await tokens.verify(token)
  expect(verified()).toBe(2)
})

test('A266 what is refused is looked at each time', async () => {
  const { tokens, verified } = counted()
  const { token } = await tokens.issue('@ada', session)
  for (let n = 0; n < 3; n += 1) expect((await tokens.verify(`${token}x`)).ok).toBe(false)
  expect(verified()).toBe(3)
})

test('A266 no more are remembered than the bound says, far beyond it', async () => {
  const { tokens, verified } = counted(2)
  const issued = await Promise.all(Array.from({ length: 50 }, (_none, n) => tokens.issue(`@p${n}`, session)))
  for (const { token } of issued) await tokens.verify(token)
  for (const { token } of issued.slice(-2)) await tokens.verify(token)
  expect(verified()).toBe(50)
  await tokens.verify(issued[0]?.token ?? '')
  expect(verified()).toBe(51)
})
