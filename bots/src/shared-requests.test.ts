import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import type { Mutation, MutationResult } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import type { Answered } from './answered.ts'
import { shareRequests } from './shared-requests.ts'

const append = (id: string, text = 'x'): Mutation => ({
  ...{ id, space: '@room', name: 'intention.append' },
  args: { id: '0193b2a0-0000-7000-8000-000000000001', text },
})

/** An api that answers when it is told to. */
function slowApi() {
  const asked: { ids: string[]; signal: AbortSignal; answer: (how?: 'refused') => void }[] = []
  const send = (mutations: string, signal: AbortSignal): Promise<Answered<MutationResult[]>> => {
    const { promise, resolve } = Promise.withResolvers<Answered<MutationResult[]>>()
    const ids = (JSON.parse(mutations) as Mutation[]).map(({ id }) => id)
    const value = ids.map((id): MutationResult => ({ id, status: 'applied' }))
    const refused = { ok: false, code: 'malformed', mayBeAskedAgain: false, afterMs: 0 } as const
    asked.push({ ids, signal, answer: (how) => resolve(how === 'refused' ? refused : { ok: true, value }) })
    return promise
  }
  return { asked, requests: shareRequests(send) }
}

const { signal: patient } = new AbortController()
const idsOf = ({ asked }: ReturnType<typeof slowApi>) => asked.map(({ ids }) => ids)

test('B72 what is asked in one turn is one request, and each is told of its own', async () => {
  const api = slowApi()
  const [two, one] = [api.requests.ask([append('a'), append('b')], patient), api.requests.ask([append('c')], patient)]
  await turn()
  expect(idsOf(api)).toEqual([['a', 'b', 'c']])
  api.asked[0]?.answer()
  expect((await two).answer).toMatchObject({ value: [{ id: 'a' }, { id: 'b' }] })
  expect(await one).toMatchObject({ answer: { value: [{ id: 'c' }] }, isShared: true })
})

test('B72 what comes while a request is under way shares the next, and waits for no slow answer', async () => {
  const api = slowApi()
  const first = api.requests.ask([append('a')], patient)
  await turn()
  const next = [api.requests.ask([append('b')], patient)]
  await turn()
  next.push(api.requests.ask([append('c')], patient))
  api.asked[0]?.answer()
  expect(await first).toMatchObject({ answer: { ok: true }, isShared: false })
  await eventually('the next has gone', () => api.asked.length === 2)
  expect(idsOf(api)).toEqual([['a'], ['b', 'c']])
  const late = api.requests.ask([append('d')], patient)
  await eventually('it goes all the same', () => api.asked.length === 3)
  api.asked[2]?.answer()
  expect(await late).toMatchObject({ answer: { ok: true } })
  api.asked[1]?.answer('refused')
  expect(await Promise.all(next)).toMatchObject([{ answer: { code: 'malformed' }, isShared: true }, { isShared: true }])
})

test('B72 one request holds as much as an api takes, in order, and what is larger goes alone', async () => {
  const api = slowApi()
  const ids = Array.from({ length: 250 }, (_none, nth) => `${nth}`)
  const all = ids.map((id) => api.requests.ask([append(id)], patient))
  const large = ['l', 'm'].map((id) => api.requests.ask([append(id, 'x'.repeat(60_000))], patient))
  await eventually('all have gone', () => idsOf(api).flat().length === 252)
  expect(idsOf(api).map(({ length }) => length)).toEqual([100, 100, 50, 1, 1])
  expect(idsOf(api).flat()).toEqual([...ids, 'l', 'm'])
  for (const { answer } of api.asked) answer()
  expect(await Promise.all([...all, ...large])).toHaveLength(252)
})

test('B72 whoever stops is answered at once and takes nobody along; a request that nobody waits for is given up', async () => {
  const api = slowApi()
  const [one, two] = [new AbortController(), new AbortController()]
  const answers = [api.requests.ask([append('a')], one.signal), api.requests.ask([append('b')], two.signal)]
  await turn()
  one.abort()
  expect(await answers[0]).toMatchObject({ answer: 'stopped' })
  expect(api.asked[0]?.signal.aborted).toBe(false)
  const early = new AbortController()
  const never = api.requests.ask([append('c')], early.signal)
  early.abort()
  expect(await never).toMatchObject({ answer: 'stopped' })
  expect(await api.requests.ask([append('d')], one.signal)).toMatchObject({ answer: 'stopped' })
  two.abort()
  expect(await answers[1]).toMatchObject({ answer: 'stopped' })
  expect(api.asked[0]?.signal.aborted).toBe(true)
  expect([one, two, early].map(({ signal }) => getEventListeners(signal, 'abort').length)).toEqual([0, 0, 0])
  api.asked[0]?.answer()
  await turn()
  const after = api.requests.ask([append('e')], patient)
  await eventually('it has gone', () => api.asked.length === 2)
  expect(idsOf(api)[1]).toEqual(['e'])
  api.asked[1]?.answer()
  expect(await after).toMatchObject({ answer: { ok: true } })
})
