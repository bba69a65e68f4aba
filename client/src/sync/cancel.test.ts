import type { Mutation, MutationResult } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { aClient } from '../testing/a-client.ts'
import { type Answer, problem } from '../testing/scripted-server.ts'
import { aBeing, anUtterance, plainText, SpaceLog } from '../testing/space-log.ts'
import { newId } from './new-id.ts'

const POST = 'POST /v1/mutations'
const sentIn = (body: unknown): Mutation[] => (body as { mutations: Mutation[] }).mutations
const utter = (text: string) => ({ id: newId(), type: 'utterance' as const, content: [text] })

/** An api with a ledger: the first mutation of an id counts, and removing what nobody made is rejected. */
function aLedger() {
  const known = new Map<string, MutationResult>()
  const carriedOut: string[] = []
  const take = ({ id, name }: Mutation): MutationResult => {
    const former = known.get(id)
    if (former !== undefined) return { ...former, status: 'duplicate' }
    const isRemoval = name === 'intention.remove' || name === 'being.remove'
    const result: MutationResult = isRemoval
      ? { id, status: 'rejected', error: { code: 'not-found', message: 'There is none.' } }
      : { id, status: 'applied', version: carriedOut.push(name) }
    known.set(id, result)
    return result
  }
  return { carriedOut, answer: (body: unknown): Answer => ({ status: 200, body: { results: sentIn(body).map(take) } }) }
}

test('C144 what never left is taken back at once, and nothing is sent of it', async () => {
  const { client, server, environment } = aClient()
  const ledger = aLedger()
  server.route(POST, ledger.answer)
  const [first, second] = [newId(), newId()]
  const kept = client.mutate('intention.create', '@lobby', utter('stays'), { id: first })
  const gone = client.mutate('intention.create', '@lobby', utter('goes'), { id: second })
  expect(client.cancel(second)).toBe('taken-back')
  expect(await gone).toMatchObject({ status: 'rejected', code: 'cancelled' })
  await environment.settle()
  expect(await kept).toMatchObject({ status: 'applied' })
  expect(server.requests.flatMap(({ body }) => sentIn(body).map(({ id }) => id))).toEqual([first])
  expect(client.cancel(first)).toBe('unknown')
  expect(client.refusedMutations()).toEqual([])
})

test.each([
  ['nothing of it had arrived', false, 'cancelled', 0],
  ['it had been carried out, and the answer was lost', true, 'applied', 1],
])('C144 what may have left is taken back exactly: %s', async (_what, hasArrived, expected, carriedOut) => {
  const { client, server, environment } = aClient()
  const ledger = aLedger()
  server.route(POST, (body) => {
    if (hasArrived) ledger.answer(body)
    return 'fail'
  })
  for (const space of ['@lobby', null]) {
    const before = ledger.carriedOut.length
    const id = newId()
    const outcome = client.mutate('being.update', space, { id: '@ada', name: 'New' }, { id })
    await environment.settle()
    expect(client.cancel(id)).toBe('already-sent')
    expect(client.pendingMutations()).toMatchObject([{ status: 'unanswered', isWithdrawn: true }])
    server.route(POST, ledger.answer)
    await environment.advance(20_000)
    const told = await outcome
    expect(told.status === 'applied' ? told.status : told.code).toBe(expected)
    expect(ledger.carriedOut.length - before).toBe(carriedOut)
    server.route(POST, (body) => {
      if (hasArrived) ledger.answer(body)
      return 'fail'
    })
  }
  expect(client.refusedMutations()).toEqual([])
})

test('C144 what was cancelled is out of the view at once', async () => {
  const { client, server, environment } = aClient()
  const log = new SpaceLog('@lobby')
  log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby', name: 'Ada' }) })
  server.serve(log)
  server.route(POST, () => 'fail')
  client.watchSpace('@lobby')
  client.connect()
  await environment.settle()
  const name = () => client.readSpace('@lobby').content?.beings['@ada']?.name
  const id = newId()
  void client.mutate('being.update', '@lobby', { id: '@ada', name: 'X' }, { id })
  expect(name()).toBe('X')
  await environment.settle()
  client.cancel(id)
  expect(name()).toBe('Ada')
})

test('C142 what is asked for shows at once, is confirmed by its own change, and a rejection takes it out and leaves a record', async () => {
  const { client, server, environment } = aClient()
  const log = new SpaceLog('@lobby')
  server.serve(log)
  client.watchSpace('@lobby')
  client.connect()
  await environment.settle()
  const texts = () => client.readSpace('@lobby').content?.intentions.map(({ content }) => plainText(content))
  let answer: (results: MutationResult[]) => void = () => undefined
  server.route(POST, () => new Promise((done) => (answer = (results) => done({ status: 200, body: { results } }))))
  const [good, bad] = [newId(), newId()]
  const created = utter('good')
  void client.mutate('intention.create', '@lobby', created, { id: good, keepRefused: true })
  void client.mutate('intention.create', '@lobby', utter('bad'), { id: bad, keepRefused: true })
  expect(texts()).toEqual(['good', 'bad'])
  expect(client.readSpace('@lobby').content?.pending?.[created.id]).toEqual([good])
  await environment.settle()
  const body = anUtterance('@lobby', '@ada', 'good', { id: created.id })
  server.publish(log, log.write({ kind: 'intention.put', body }, good))
  await environment.settle()
  expect(client.readSpace('@lobby').content?.pending?.[created.id]).toBeUndefined()
  answer([
    { id: good, status: 'applied', version: 1 },
    { id: bad, status: 'rejected', error: { code: 'forbidden', message: 'No.' } },
  ])
  await environment.settle()
  expect(texts()).toEqual(['good'])
  expect(client.readSpace('@lobby').content?.pending).toBeUndefined()
  expect(client.refusedMutations()).toMatchObject([{ code: 'forbidden', message: 'No.', mutation: { id: bad } }])
  client.dropRefused(bad)
  expect(client.refusedMutations()).toEqual([])
})

test('C142 what was answered stays in the view until the stream has reached its version', async () => {
  const { client, server, environment } = aClient()
  const log = new SpaceLog('@lobby')
  server.serve(log)
  client.watchSpace('@lobby')
  client.connect()
  await environment.settle()
  server.route(POST, (body) => ({
    status: 200,
    body: { results: sentIn(body).map(({ id }) => ({ id, status: 'applied', version: 1 })) },
  }))
  const created = utter('said')
  const id = newId()
  expect(
    await Promise.race([client.mutate('intention.create', '@lobby', created, { id }), environment.settle()]),
  ).toMatchObject({ status: 'applied' })
  expect(client.pendingMutations()).toEqual([])
  expect(client.readSpace('@lobby').content?.intentions).toHaveLength(1)
  const said = anUtterance('@lobby', '@ada', 'said', { id: created.id })
  server.publish(log, log.write({ kind: 'intention.put', body: said }, id))
  await environment.settle()
  expect(client.readSpace('@lobby').content?.intentions).toHaveLength(1)
  expect(client.readSpace('@lobby').content?.pending).toBeUndefined()
})

test('C145 an answer to one request hurries those who wait because nobody answered, but not before the time asked for', async () => {
  const { client, server, environment } = aClient({ seed: 3 })
  const ledger = aLedger()
  let isAway = true
  server.route(POST, (body) => {
    const isStrict = sentIn(body)[0]?.space === '@strict'
    if (!isAway) return ledger.answer(body)
    return isStrict ? { status: 503, body: problem(503, 'unavailable', { retryAfterMs: 60_000 }) } : 'fail'
  })
  void client.mutate('space.update', '@strict', { name: 'x' })
  void client.mutate('space.update', '@waits', { name: 'x' })
  await environment.advance(40_000)
  isAway = false
  const waits = () => client.pendingMutations().map(({ mutation }) => mutation.space)
  expect(waits()).toEqual(['@strict', '@waits'])
  void client.mutate('space.update', '@other', { name: 'x' })
  await environment.settle()
  expect(waits()).toEqual(['@strict'])
  await environment.advance(60_000)
  expect(waits()).toEqual([])
})

test.each(['lobby', '@LOBBY', '', '@a/b'])(
  'C147 %j is no id: nothing is sent of it, however often it is retried',
  async (id) => {
    const { client, server, environment } = aClient()
    client.connect()
    await environment.settle()
    const stop = client.watchSpace(id)
    await environment.advance(60_000)
    client.retrySpace(id)
    expect(client.readSpace(id).subscription).toMatchObject({ status: 'closed', code: 'malformed' })
    stop()
    await environment.advance(120_000)
    expect(server.connection.received.filter((frame) => 'space' in frame)).toEqual([])
  },
)
