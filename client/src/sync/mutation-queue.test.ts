import { jsonBytes, LIMITS, type Mutation, type MutationResult } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { aClient } from '../testing/a-client.ts'
import { type Answer, problem } from '../testing/scripted-server.ts'
import { aBeing } from '../testing/space-log.ts'
import { newId } from './new-id.ts'

const POST = 'POST /v1/mutations'

const mutationsOf = (body: unknown): Mutation[] => (body as { mutations: Mutation[] }).mutations

/** An api that applies each mutation once and answers as the script says. */
function aLedger(before: (mutations: Mutation[]) => Answer | 'lose answer' | null) {
  const applied = new Map<string, MutationResult>()
  const order: string[] = []
  const route = (body: unknown): Answer => {
    const mutations = mutationsOf(body)
    const trouble = before(mutations)
    if (trouble !== null && trouble !== 'lose answer') return trouble
    const results = mutations.map(({ id, name }): MutationResult => {
      const known = applied.get(id)
      if (known !== undefined) return { ...known, status: 'duplicate' }
      order.push(name)
      const result: MutationResult = { id, status: 'applied', version: order.length }
      applied.set(id, result)
      return result
    })
    return trouble === 'lose answer' ? 'fail' : { status: 200, body: { results } }
  }
  return { route, order, applied }
}

const utter = (text: string) => ({ id: newId(), type: 'utterance' as const, content: [text] })

test('C50 a lost answer is resolved by sending the same ids, and applied once', async () => {
  const { client, server, environment } = aClient()
  let losses = 3
  const ledger = aLedger(() => (losses-- > 0 ? 'lose answer' : null))
  server.route(POST, ledger.route)
  const outcome = client.mutate('intention.create', '@lobby', utter('once'))
  await environment.advance(60_000)
  expect(await outcome).toMatchObject({ status: 'applied', version: 1 })
  const sent = server.requests.map(({ body }) => mutationsOf(body)[0]?.id)
  expect(sent).toHaveLength(4)
  expect(new Set(sent).size).toBe(1)
  expect(ledger.order).toHaveLength(1)
})

test('C51 mutations of one space leave in order, one request at a time', async () => {
  const { client, server, environment } = aClient()
  let atOnce = 0
  let most = 0
  const ledger = aLedger(() => null)
  server.route(POST, async (body) => {
    atOnce += 1
    most = Math.max(most, atOnce)
    await environment.settle()
    atOnce -= 1
    return ledger.route(body)
  })
  const [first, second] = [
    client.mutate('space.create', '@new', { name: 'New' }),
    client.mutate('intention.create', '@new', utter('first')),
  ]
  await environment.settle()
  const third = client.mutate('space.update', '@new', { name: 'Newer' })
  await environment.advance(1_000)
  expect((await Promise.all([first, second, third])).map(({ status }) => status)).toEqual(Array(3).fill('applied'))
  expect(ledger.order).toEqual(['space.create', 'intention.create', 'space.update'])
  expect(most).toBe(1)
})

test('C52 a rejection hands back code and message, also when it is told as a duplicate', async () => {
  const { client, server, environment } = aClient()
  const error = { code: 'forbidden' as const, message: 'Only owners do that' }
  for (const status of ['rejected', 'duplicate'] as const) {
    server.route(POST, (body) => ({
      status: 200,
      body: { results: mutationsOf(body).map(({ id }) => ({ id, status, error })) },
    }))
    const outcome = client.mutate('space.update', '@lobby', { name: 'Mine' })
    await environment.settle()
    expect(await outcome).toMatchObject({ status: 'rejected', code: 'forbidden', message: 'Only owners do that' })
  }
})

test('C53 what is over a limit or malformed is refused before anything is sent', async () => {
  const { client, server } = aClient()
  const long = 'x'.repeat(LIMITS.maxContentBytes)
  expect(await client.mutate('intention.create', '@lobby', utter(long))).toMatchObject({ code: 'too-large' })
  expect(await client.mutate('space.update', '@lobby', { name: ' ' })).toMatchObject({ code: 'malformed' })
  expect(await client.mutate('intention.create', '@lobby', utter('nul \u0000'))).toMatchObject({ code: 'malformed' })
  expect(server.requests).toEqual([])
})

test('C54 the time a server asks for is waited, hurried or not', async () => {
  const { client, server, environment } = aClient()
  let away = true
  const ledger = aLedger(() =>
    away ? { status: 503, body: problem(503, 'unavailable', { retryAfterMs: 5_000 }) } : null,
  )
  server.route(POST, ledger.route)
  const outcome = client.mutate('space.update', '@lobby', { name: 'Later' })
  await environment.settle()
  away = false
  client.retry()
  await environment.advance(4_900)
  expect(server.requests).toHaveLength(1)
  await environment.advance(1_000)
  expect(await outcome).toMatchObject({ status: 'applied' })
})

test('C55 one mutation that a server cannot take does not cost the others', async () => {
  const { client, server, environment } = aClient()
  const ledger = aLedger((mutations) =>
    mutations.some(({ name }) => name === 'space.remove') ? { status: 400, body: problem(400, 'malformed') } : null,
  )
  server.route(POST, ledger.route)
  const outcomes = [
    client.mutate('space.update', '@lobby', { name: 'One' }),
    client.mutate('space.remove', '@lobby', {}),
    client.mutate('space.update', '@lobby', { name: 'Two' }),
  ]
  await environment.advance(1_000)
  expect((await Promise.all(outcomes)).map(({ status }) => status)).toEqual(['applied', 'rejected', 'applied'])
})

test('C69 what gathers goes in requests of a bounded size, in order, and one that is larger goes alone', async () => {
  const { client, server, environment } = aClient()
  const sent: Mutation[][] = []
  const ledger = aLedger((mutations) => {
    sent.push(mutations)
    return null
  })
  let largest = 0
  server.route(POST, (body) => {
    largest = Math.max(largest, jsonBytes(body))
    return ledger.route(body)
  })
  // Three bytes each in UTF-8: what counts is what is sent.
  const texts = Array.from({ length: 100 }, (_, index) => `${index} ${'漢'.repeat(20_000)}`)
  const outcomes = texts.map((text) => client.mutate('intention.create', '@lobby', utter(text)))
  const metadata = { large: 'x'.repeat(2 * 1024 * 1024) }
  const large = client.mutate('being.update', '@lobby', { id: '@ada', metadata })
  const after = client.mutate('space.update', '@lobby', { name: 'After' })
  await environment.advance(10_000)
  expect((await Promise.all([...outcomes, large, after])).every(({ status }) => status === 'applied')).toBe(true)
  const small = sent.filter((mutations) => !mutations.some(({ name }) => name === 'being.update'))
  const bytes = small.map((mutations) => jsonBytes({ mutations }))
  expect(Math.max(...bytes)).toBeLessThanOrEqual(260 * 1024)
  // Nor are they sent one by one.
  expect(Math.max(...small.map((mutations) => mutations.length))).toBeGreaterThanOrEqual(4)
  expect(sent.at(-2)).toHaveLength(1)
  expect(largest).toBeGreaterThan(2 * 1024 * 1024)
  expect(ledger.order).toEqual([...texts.map(() => 'intention.create'), 'being.update', 'space.update'])
})

test('C56 a token that is turned down is renewed and the mutation sent again', async () => {
  const { client, server, environment } = aClient()
  server.route('POST /v1/sessions/current/refresh', () => ({
    status: 200,
    body: { token: 'token-2', expiresAt: environment.dateMs() + 1_000_000, being: aBeing('@ada') },
  }))
  const ledger = aLedger(() => null)
  server.route(POST, (body, _url, init) =>
    new Headers(init.headers).get('authorization') === 'Bearer token-2'
      ? ledger.route(body)
      : { status: 401, body: problem(401, 'token-expired') },
  )
  const outcome = client.mutate('space.update', '@lobby', { name: 'Again' })
  await environment.advance(5_000)
  expect(await outcome).toMatchObject({ status: 'applied' })
})

test('C56 a renewal that fails at first costs no mutation: only a token that was renewed and refused again does', async () => {
  const { client, server, environment } = aClient()
  let tries = 0
  server.route('POST /v1/sessions/current/refresh', () =>
    ++tries < 4
      ? { status: 503, body: problem(503, 'unavailable') }
      : { status: 200, body: { token: 'token-2', expiresAt: environment.dateMs() + 1_000_000, being: aBeing('@ada') } },
  )
  const ledger = aLedger(() => null)
  let refusesAll = false
  server.route(POST, (body, _url, init) =>
    !refusesAll && new Headers(init.headers).get('authorization') === 'Bearer token-2'
      ? ledger.route(body)
      : { status: 401, body: problem(401, 'token-expired') },
  )
  const outcome = client.mutate('space.update', '@lobby', { name: 'Again' })
  await environment.advance(60_000)
  expect(await outcome).toMatchObject({ status: 'applied' })
  refusesAll = true
  const { length } = server.requests
  const refused = client.mutate('space.update', '@lobby', { name: 'Never' })
  await environment.advance(60_000)
  expect(await refused).toMatchObject({ status: 'rejected', code: 'token-expired' })
  expect(server.requests.slice(length).map(({ path }) => path)).toEqual([
    '/v1/mutations',
    '/v1/sessions/current/refresh',
    '/v1/mutations',
  ])
})

test('C56 when the session is over, mutations are handed back', async () => {
  const { client, server, environment } = aClient()
  server.route('POST /v1/sessions/current/refresh', () => ({ status: 401, body: problem(401, 'token-expired') }))
  server.route(POST, () => ({ status: 401, body: problem(401, 'token-expired') }))
  const outcome = client.mutate('space.update', '@lobby', { name: 'Never' })
  await environment.advance(5_000)
  expect(await outcome).toMatchObject({ status: 'rejected', code: 'token-expired' })
})

test('C57 what is unanswered shows how often it was tried, why it failed and when it is next tried', async () => {
  const { client, server, environment } = aClient()
  let seen = 0
  client.onPendingMutations(() => (seen += 1))
  const ledger = aLedger(() => null)
  server.route(POST, () => 'fail')
  const outcome = client.mutate('space.update', '@lobby', { name: 'Later' })
  await environment.settle()
  const [pending] = client.pendingMutations()
  expect(pending).toMatchObject({ attempt: 1, problem: 'The server cannot be reached.' })
  expect(pending?.nextAttemptAtMs).toBeGreaterThan(environment.dateMs())
  server.route(POST, ledger.route)
  client.retry()
  await environment.settle()
  expect(await outcome).toMatchObject({ status: 'applied' })
  expect(client.pendingMutations()).toEqual([])
  expect(seen).toBeGreaterThan(2)
})

test.each([404, 403, 405, 421, 413])(
  'C136 a %i of something in between costs no mutation and no session',
  async (status) => {
    const { client, server, environment, renewed } = aClient({ expiresInMs: 100_000 })
    let isBetween = true
    const ledger = aLedger(() => (isBetween ? { status, body: '<h1>Elsewhere</h1>' } : null))
    server.route(POST, ledger.route)
    server.route('POST /v1/sessions/current/refresh', () =>
      isBetween
        ? { status, body: '<h1>Elsewhere</h1>' }
        : {
            status: 200,
            body: { token: 'token-2', expiresAt: environment.dateMs() + 1_000_000, being: aBeing('@ada') },
          },
    )
    client.connect()
    const outcome = client.mutate('space.update', '@lobby', { name: 'Later' })
    await environment.advance(90_000)
    isBetween = false
    await environment.advance(60_000)
    expect(await outcome).toMatchObject({ status: 'applied' })
    expect(renewed.map(({ token }) => token)).toEqual(['token-2'])
    expect(client.syncStatus().status).toBe('live')
    client.close()
  },
)

test('C135 a listener to pending mutations that throws costs no mutation', async () => {
  const { client, server, environment } = aClient()
  server.route(POST, aLedger(() => null).route)
  client.onPendingMutations(() => {
    throw new Error('listener')
  })
  const outcomes = [1, 2].map((n) => client.mutate('space.update', '@lobby', { name: `Name ${n}` }))
  await environment.advance(1_000)
  const later = client.mutate('space.update', '@lobby', { name: 'Later' })
  await environment.advance(1_000)
  for (const outcome of [...outcomes, later]) expect(await outcome).toMatchObject({ status: 'applied' })
  expect(environment.reports[0]).toContain('Error: listener')
})
