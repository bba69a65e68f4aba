/** Keys of sessions and of gateways over whole nodes, of which each knows some. */
import { randomBytes } from 'node:crypto'
import { newTokenKey, signingKeysOf } from '@rhizom/process'
import { postSessionAnswerSchema } from '@rhizom/protocol'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../testing/fresh-database.ts'
import { startApi, type TestApi } from '../testing/test-api.ts'

const [old, fresh] = [newTokenKey(), newTokenKey()]
const internal = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
let database: FreshDatabase
let [one, two]: TestApi[] = []

beforeAll(async () => {
  database = await freshDatabase()
  const env = { TOKEN_SECRET: '', INTERNAL_TOKEN: '', INTERNAL_TOKENS: internal.join() }
  one = await startApi({ databaseUrl: database.url, env: { ...env, TOKEN_KEYS: [old, fresh].join() } })
  two = await startApi({ databaseUrl: database.url, env: { ...env, TOKEN_KEYS: [fresh, old].join() } })
})
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()])
  await database.drop()
})

const nodes = (): [TestApi, TestApi] => {
  if (one === undefined || two === undefined) throw new Error('not started')
  return [one, two]
}
const kids = (...keys: string[]): string[] =>
  signingKeysOf({ TOKEN_KEYS: keys, TOKEN_SECRET: '' }).map(({ kid }) => kid)

test('A235 the public keys are published, the one that signs first, and nothing that signs', async () => {
  const [first] = nodes()
  const { status, body, headers } = await first.ask('GET', '/.well-known/jwks.json')
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('public, max-age=300')
  expect(body).toEqual({
    keys: kids(old, fresh).map((kid) => ({
      ...{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid },
      x: expect.stringMatching(/^[\w-]{43}$/),
    })),
  })
  for (const secret of [old, fresh]) expect(JSON.stringify(body)).not.toContain(secret)
  const { token } = await first.signIn('Ada')
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'EdDSA', kid: kids(old)[0] })
})

test('A236 a renewal that is used twice on two nodes with another first key gives the same next one', async () => {
  const [first, second] = nodes()
  const { renewal } = await first.signIn('Ada')
  const renew = async (node: TestApi, text = '') => {
    const { status, body } = await node.ask('POST', '/v1/sessions/renew', { body: { renewal: text } })
    expect(status).toBe(200)
    return postSessionAnswerSchema.parse(body)
  }
  const [here, there] = [await renew(first, renewal), await renew(second, renewal)]
  expect(there.renewal).toBe(here.renewal)
  for (const node of nodes())
    for (const { token } of [here, there])
      expect((await node.ask('GET', '/v1/sessions/current', { token })).status).toBe(200)
  await renew(first, (await renew(second, here.renewal)).renewal)
})

test('A237 each of several internal tokens opens what is for gateways, and nothing else does', async () => {
  const [first] = nodes()
  const ask = async (token: string) =>
    (await first.ask('POST', '/internal/heads', { token, body: { spaces: [] } })).status
  expect(await Promise.all(internal.map(ask))).toEqual([200, 200])
  expect(await Promise.all([internal.join(), `${internal[0]}x`, randomBytes(16).toString('hex')].map(ask))).toEqual([
    401, 401, 401,
  ])
})
