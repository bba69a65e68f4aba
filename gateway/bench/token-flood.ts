/**
 * What a flood of returning clients costs: all their tokens at once, verified as they come and paced, in turns in one
 * run. Prints the longest stall of the event loop, how long all took and the processor time.
 *
 *   node gateway/bench/token-flood.ts [tokens]
 */
import { randomUUID } from 'node:crypto'
import { newTokenKey, signingKeysOf, verifyingKeysOf } from '@rhizom/process'
import { SESSION_TOKEN } from '@rhizom/protocol'
import { SignJWT } from 'jose'
import { pacedTokens } from '../src/connection/paced-tokens.ts'
import { tokenVerifier } from '../src/connection/token.ts'
import type { VerifyToken } from '../src/ports.ts'

const ROUNDS = 3
const [key] = signingKeysOf({ TOKEN_KEYS: [newTokenKey()], TOKEN_SECRET: '' })
if (key === undefined) throw new Error('no key')
const { privateKey, kid, jwk } = key
const verify = tokenVerifier(verifyingKeysOf([jwk], ''), () => undefined)

const signed = (being: string): Promise<string> =>
  new SignJWT({ sid: randomUUID() })
    .setProtectedHeader({ alg: SESSION_TOKEN.algorithm, kid })
    .setSubject(being)
    .setIssuer(SESSION_TOKEN.issuer)
    .setAudience(SESSION_TOKEN.audience)
    .setExpirationTime('1h')
    .sign(privateKey)

async function measure(name: string, verifyToken: VerifyToken, tokens: readonly string[]): Promise<void> {
  let longestMs = 0
  let lastMs = performance.now()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    longestMs = Math.max(longestMs, nowMs - lastMs)
    lastMs = nowMs
  }, 1)
  const beganMs = performance.now()
  const before = process.cpuUsage()
  const outcomes = await Promise.all(tokens.map((token) => verifyToken(token, () => true)))
  const tookMs = performance.now() - beganMs
  longestMs = Math.max(longestMs, performance.now() - lastMs)
  const { user, system } = process.cpuUsage(before)
  clearInterval(timer)
  if (!outcomes.every(({ ok }) => ok)) throw new Error('a good token was refused')
  const [longest, all, cpu] = [longestMs, tookMs, (user + system) / 1000].map((ms) => ms.toFixed(0).padStart(6))
  process.stdout.write(`${name.padEnd(24)} longest stall ${longest} ms   all ${all} ms   processor ${cpu} ms\n`)
}

const count = Number(process.argv[2] ?? 10_000)
const tokens: string[] = []
for (let index = 0; index < count; index += 1) tokens.push(await signed(`@p${index}`))
process.stdout.write(`${count} tokens at once\n`)
for (let round = 0; round < ROUNDS; round += 1) {
  const paced = pacedTokens(verify, () => Date.now())
  await measure('as they come', verify, tokens)
  await measure('paced, first time', paced, tokens)
  await measure('paced, coming back', paced, tokens)
}
