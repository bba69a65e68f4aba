/** Those who vouch for people elsewhere: against a real OpenID provider. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { CLIENT_ID, startTestIssuer, type TestIssuer } from '@rhizom/kit/test-issuer.ts'
import { systemClock } from '@rhizom/machine'
import { ConditionLog } from '@rhizom/process'
import { postSessionAnswerSchema, problemSchema, SESSION_TOKEN, signInAnswerSchema } from '@rhizom/protocol'
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, startApi, type TestApi, TOKEN_SECRET } from '../testing/test-api.ts'
import { createIssuers, type IssuerTimes } from './issuers.ts'

let database: FreshDatabase
let issuer: TestIssuer
let [one, two]: TestApi[] = []

const start = (env: Record<string, string> = {}) =>
  startApi({
    databaseUrl: database.url,
    env: { ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: CLIENT_ID, label: 'Example' }]), ...env },
  })

beforeAll(async () => {
  ;[database, issuer] = await Promise.all([freshDatabase(), startTestIssuer()])
  ;[one, two] = [await start(), await start()]
})

afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop(), issuer.stop()])
  await database.drop()
})

const nodes = (): [TestApi, TestApi] => {
  if (one === undefined || two === undefined) throw new Error('not started')
  return [one, two]
}

const signIn = async (body: object, token?: string, api = nodes()[0]) => {
  const answer = await api.ask('POST', '/v1/sessions', { body, ...(token === undefined ? {} : { token }) })
  expect(answer.headers.get('cache-control')).toBe('no-store')
  return answer
}
const signedIn = async (...args: Parameters<typeof signIn>) => {
  const answer = await signIn(...args)
  expect(answer).toMatchObject({ status: 201 })
  return postSessionAnswerSchema.parse(answer.body)
}
const refusal = async (body: object) => {
  const answer = await signIn(body)
  return problemSchema.parse(answer.body)
}

test('A285 whom an issuer vouches for gets a being, and is the same one each time, on every node', async () => {
  const ada = await signedIn({ assertion: await issuer.assertion('Ada Lovelace') })
  expect(ada.being).toMatchObject({ type: 'guest', name: 'Ada Lovelace', location: null })
  const again = await signedIn({ assertion: await issuer.assertion('Ada Lovelace') }, undefined, nodes()[1])
  expect(again.being.id).toBe(ada.being.id)
  expect((await nodes()[1].ask('GET', '/v1/sessions', { token: again.token })).body).toMatchObject({
    sessions: [{}, {}],
  })
  const bob = await signedIn({ assertion: await issuer.assertion('Bob') })
  expect(bob.being.id).not.toBe(ada.being.id)
})

test('A285 who comes for the first time over two nodes at once is one being', async () => {
  const assertions = await Promise.all([0, 1, 2, 3].map(() => issuer.assertion('Carol')))
  const answers = await Promise.all(
    assertions.map((assertion, i) => signedIn({ assertion }, undefined, nodes()[i % 2 === 0 ? 0 : 1])),
  )
  expect(new Set(answers.map(({ being }) => being.id)).size).toBe(1)
})

test('A286 a code with PKCE is asked about by the api, once', async () => {
  const code = { issuer: issuer.url, ...(await issuer.code('Dora')) }
  const dora = await signedIn({ code })
  expect(dora.being.name).toBe('Dora')
  expect(await refusal({ code })).toMatchObject({ status: 401, code: 'not-authenticated' })
  const other = { issuer: issuer.url, ...(await issuer.code('Dora')) }
  expect(await refusal({ code: { ...other, verifier: 'x'.repeat(43) } })).toMatchObject({ status: 401 })
  const third = { issuer: issuer.url, ...(await issuer.code('Dora')) }
  expect(await refusal({ code: { ...third, nonce: 'x'.repeat(32) } })).toMatchObject({ status: 401 })
  expect(await refusal({ code: { ...third, issuer: 'http://127.0.0.1:1' } })).toMatchObject({ status: 401 })
})

test('A287 a guest that signs in at an issuer stays who it is; one that is known there becomes that one', async () => {
  const [api] = nodes()
  const guest = await api.signIn('Eve')
  const eve = await signedIn({ assertion: await issuer.assertion('Eve') }, guest.token)
  expect(eve.being.id).toBe(guest.being.id)
  expect((await signedIn({ assertion: await issuer.assertion('Eve') })).being.id).toBe(guest.being.id)
  const other = await api.signIn('Other')
  expect((await signedIn({ assertion: await issuer.assertion('Eve') }, other.token)).being.id).toBe(guest.being.id)
  expect((await api.ask('GET', '/v1/sessions/current', { token: other.token })).body).toMatchObject({
    being: { id: other.being.id },
  })
})

test('A287 a bot is nobody’s identity', async () => {
  const [api] = nodes()
  const [owner, bot] = [await api.signIn('Owner'), freshId('bot')]
  const created = { space: null, name: 'being.create' as const, args: { id: bot, type: 'bot' as const, name: 'Bot' } }
  await api.mutate(owner.token, created)
  const { token } = await signedIn({ being: bot }, owner.token)
  expect((await signedIn({ assertion: await issuer.assertion('Frank') }, token)).being.id).not.toBe(bot)
})

test('A288 what is forged, foreign, old or of another kind is refused alike, and makes nobody', async () => {
  const { privateKey } = await generateKeyPair('ES256')
  const claims = (aud = CLIENT_ID, iss = issuer.url) =>
    new SignJWT({ name: 'Mallory' }).setSubject('mallory').setIssuer(iss).setAudience(aud).setExpirationTime('1h')
  const secret = new TextEncoder().encode(TOKEN_SECRET)
  const good = await issuer.assertion('Mallory')
  const [header, payload, signature] = good.split('.')
  const ours = (await nodes()[0].signIn('Mallory')).token
  const bad = [
    await claims().setProtectedHeader({ alg: 'ES256' }).sign(privateKey),
    await claims().setProtectedHeader({ alg: 'HS256' }).sign(secret),
    await claims(SESSION_TOKEN.audience, SESSION_TOKEN.issuer).setProtectedHeader({ alg: 'HS256' }).sign(secret),
    new UnsecuredJWT({ name: 'Mallory' }).setSubject('m').setIssuer(issuer.url).setAudience(CLIENT_ID).encode(),
    ...['x', 'x.y.z', `${header}.${payload}.`, `${header}.${payload}.${signature}x`, ours],
  ]
  for (const assertion of bad) expect(await refusal({ assertion })).toMatchObject({ code: 'not-authenticated' })
  expect(await refusal({ assertion: 'x'.repeat(16_384) })).toMatchObject({ code: 'not-authenticated' })
  expect((await signIn({ assertion: 'x'.repeat(100_000) })).status).toBe(413)
  expect((await signIn({ assertion: good, name: 'Mallory' })).status).toBe(400)
  const deaf = await start({
    ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: 'another application' }]),
  })
  onTestFinished(() => deaf.stop())
  expect((await signIn({ assertion: good }, undefined, deaf)).status).toBe(401)
})

test('A288 who was removed does not come back by signing in', async () => {
  const [api] = nodes()
  const gone = await signedIn({ assertion: await issuer.assertion('Gone') })
  const remove = { space: null, name: 'being.remove' as const, args: { id: gone.being.id } }
  expect(await api.mutate(gone.token, remove)).toMatchObject([{ status: 'applied' }])
  expect(await refusal({ assertion: await issuer.assertion('Gone') })).toMatchObject({ code: 'not-authenticated' })
})

const issuers = (of: TestIssuer, times: IssuerTimes = { keysKeptMs: 600_000, cooldownMs: 100 }) => {
  const said: string[] = []
  const note = (_fields: object, text: string): void => void said.push(text)
  const log = { debug: note, info: note, warn: note, error: note }
  const condition = new ConditionLog({ name: 'issuers', log, clock: systemClock, whenGood: 'good again' })
  onTestFinished(() => condition.stop())
  const setting = { issuer: of.url, audience: CLIENT_ID, label: 'Example', scope: 'openid profile', name: 'name' }
  return { said, ...createIssuers([setting], condition, times) }
}

test('A289 keys that an issuer rotates are found, and keys that are made up are asked for once in a while', async () => {
  const own = await startTestIssuer()
  onTestFinished(() => own.stop())
  const { verify } = issuers(own)
  await verify(await own.assertion('Ada'))
  await own.rotate()
  const rotated = await own.assertion('Ada')
  await eventually('the new key is known', async () => (await verify(rotated).catch(() => undefined)) !== undefined)
  const patient = issuers(own, { keysKeptMs: 600_000, cooldownMs: 600_000 })
  await patient.verify(rotated)
  const before = own.asked()
  const { privateKey } = await generateKeyPair('ES256')
  for (let i = 0; i < 200; i += 1) {
    const forged = await new SignJWT({ name: 'x' })
      .setProtectedHeader({ alg: 'ES256', kid: `made-up-${i}` })
      .setSubject('x')
      .setIssuer(own.url)
      .setAudience(CLIENT_ID)
      .setExpirationTime('1h')
      .sign(privateKey)
    await expect(patient.verify(forged)).rejects.toMatchObject({ problem: { code: 'unavailable' } })
  }
  expect(own.asked()).toBe(before)
})

test('A290 an issuer that is down keeps nobody out whose key is known, and is said; else it is 503', async () => {
  const own = await startTestIssuer()
  onTestFinished(() => own.stop())
  const assertion = await own.assertion('Ada')
  // Keys that are old at once: each assertion would ask for them again.
  const known = issuers(own, { keysKeptMs: 0, cooldownMs: 0 })
  await known.verify(assertion)
  own.setDown(true)
  expect(await known.verify(assertion)).toMatchObject({ name: 'Ada' })
  expect(known.said.join()).toContain(own.url)
  const fresh = issuers(own)
  await expect(fresh.verify(assertion)).rejects.toMatchObject({ problem: { code: 'unavailable', retryAfterMs: 2000 } })
  expect(await fresh.describe()).toEqual([expect.not.objectContaining({ authorize: expect.anything() })])
  own.setDown(false)
  await eventually(
    'it is asked again',
    async () => (await fresh.verify(assertion).catch(() => undefined)) !== undefined,
  )
})

test('A291 the ways to sign in are told, and guests can be kept out, but not those who have a session', async () => {
  const [api] = nodes()
  const ways = signInAnswerSchema.parse((await api.ask('GET', '/v1/sign-in')).body)
  expect(ways).toEqual({
    guests: true,
    issuers: [
      {
        issuer: issuer.url,
        label: 'Example',
        clientId: CLIENT_ID,
        scope: 'openid profile',
        authorize: `${issuer.url}/auth`,
      },
    ],
  })
  const guest = await api.signIn('Guest')
  const strict = await start({ GUESTS: 'off' })
  onTestFinished(() => strict.stop())
  expect((await strict.ask('GET', '/v1/sign-in')).body).toMatchObject({ guests: false })
  expect(await signIn({ name: 'Guest' }, undefined, strict)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  expect((await strict.ask('POST', '/v1/sessions/renew', { body: { renewal: guest.renewal } })).status).toBe(200)
  await signedIn({ assertion: await issuer.assertion('Holder') }, undefined, strict)
})
