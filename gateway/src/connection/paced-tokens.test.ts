import type { BeingId } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import type { TokenOutcome } from '../ports.ts'
import { pacedTokens } from './paced-tokens.ts'

const being: BeingId = '@ada'
const settings = { concurrency: 4, maxRemembered: 3, maxWaiting: 2000, maxWaitingBytes: 1_000_000 }
const wanted = (): boolean => true

/** A verification that goes on when it is told, and what was asked of it. */
function held() {
  const asked: string[] = []
  const pending: { token: string; answer: (outcome: TokenOutcome) => void; fail: (error: Error) => void }[] = []
  const verify = (token: string): Promise<TokenOutcome> => {
    asked.push(token)
    return new Promise((resolve, reject) => pending.push({ token, answer: resolve, fail: reject }))
  }
  return { asked, pending, verify }
}

function counted(outcomeOf: (token: string) => TokenOutcome) {
  const asked: string[] = []
  const verify = async (token: string): Promise<TokenOutcome> => {
    asked.push(token)
    return outcomeOf(token)
  }
  return { asked, verify }
}

const good = (): TokenOutcome => ({ ok: true, being, expiresAt: 1000 })

test('G207 however many tokens come at once, few are verified at a time, each once and in their order', async () => {
  const { asked, pending, verify } = held()
  const paced = pacedTokens(verify, () => 0, settings)
  const tokens = Array.from({ length: 1000 }, (_none, index) => `t${index}`)
  const outcomes = Promise.all(tokens.map((token) => paced(token, wanted)))
  let most = 0
  while (asked.length < tokens.length || pending.length > 0) {
    // Eight turns of promises: more than any that waits needs.
    for (let n = 0; n < 8; n += 1) await Promise.resolve()
    most = Math.max(most, pending.length)
    pending.shift()?.answer(good())
  }
  expect(most).toBe(settings.concurrency)
  expect(asked).toEqual(tokens)
  expect((await outcomes).every(({ ok }) => ok)).toBe(true)
})

test('G207 a verification that fails gives its place on', async () => {
  const { pending, verify } = held()
  const paced = pacedTokens(verify, () => 0, { ...settings, concurrency: 1 })
  const first = paced('a', wanted)
  const second = paced('b', wanted)
  await expect.poll(() => pending.length).toBe(1)
  pending.shift()?.fail(new Error('broken'))
  await expect(first).rejects.toThrow('broken')
  await expect.poll(() => pending.length).toBe(1)
  pending.shift()?.answer(good())
  expect(await second).toEqual(good())
})

test('G208 a good token is verified once until it runs out; what was refused is looked at each time', async () => {
  const { asked, verify } = counted((token) => (token === 'bad' ? { ok: false, reason: 'invalid' } : good()))
  let dateMs = 0
  const paced = pacedTokens(verify, () => dateMs, settings)
  for (const token of ['a', 'a', 'bad', 'bad']) await paced(token, wanted)
  expect(asked).toEqual(['a', 'bad', 'bad'])
  dateMs = 1000
  await paced('a', wanted)
  expect(asked).toEqual(['a', 'bad', 'bad', 'a'])
})

test('G208 many with one token at once are verified once for each place, and no more', async () => {
  const { asked, verify } = counted(good)
  const paced = pacedTokens(verify, () => 0, settings)
  await Promise.all(Array.from({ length: 500 }, () => paced('a', wanted)))
  expect(asked.length).toBeLessThanOrEqual(settings.concurrency)
})

test('G208 no more are remembered than the bound says, far beyond it', async () => {
  const { asked, verify } = counted(good)
  const paced = pacedTokens(verify, () => 0, settings)
  const tokens = Array.from({ length: 300 }, (_none, index) => `t${index}`)
  for (const token of [...tokens, ...tokens.slice(-3)]) await paced(token, wanted)
  expect(asked.length).toBe(300)
  await paced('t0', wanted)
  expect(asked.length).toBe(301)
})

test('G225 a token whose client has gone is not verified, however many went while they waited', async () => {
  const { asked, pending, verify } = held()
  const paced = pacedTokens(verify, () => 0, { ...settings, concurrency: 1, maxWaiting: 20_000 })
  const here = new Set(['first', 'last'])
  const isHere = (token: string) => () => here.has(token)
  const first = paced('first', isHere('first'))
  const gone = Array.from({ length: 10_000 }, (_none, index) => paced(`gone ${index}`, isHere(`gone ${index}`)))
  const last = paced('last', isHere('last'))
  await expect.poll(() => pending.length).toBe(1)
  pending.shift()?.answer(good())
  await expect.poll(() => pending.length).toBe(1)
  pending.shift()?.answer(good())
  expect(await Promise.all([first, last])).toEqual([good(), good()])
  expect((await Promise.all(gone)).some(({ ok }) => ok)).toBe(false)
  expect(asked).toEqual(['first', 'last'])
})

test('G225 no more tokens wait than a number and their bytes allow, far beyond it; who went makes room', async () => {
  for (const limits of [{ maxWaiting: 10 }, { maxWaitingBytes: 10 * 't0000'.length }]) {
    const { pending, verify } = held()
    const paced = pacedTokens(verify, () => 0, { ...settings, ...limits, concurrency: 1 })
    let isHere = true
    const refused: number[] = []
    const ask = (index: number): Promise<void> =>
      paced(`t${String(index).padStart(4, '0')}`, () => isHere).then((outcome) => {
        if (!outcome.ok && outcome.reason === 'overloaded') refused.push(index)
      })
    for (let index = 0; index < 1000; index += 1) void ask(index)
    await expect.poll(() => refused.length).toBe(1000 - 11)
    expect(refused[0]).toBe(11)
    isHere = false
    const back = paced('t9999', wanted)
    await expect.poll(() => pending.length).toBe(1)
    pending.shift()?.answer(good())
    await expect.poll(() => pending.length).toBe(1)
    pending.shift()?.answer(good())
    expect(await back).toEqual(good())
  }
})
