import { describe, expect, test } from 'vitest'
import { Accounts, type Charge, type PricedCharge, type SharedAccounts, type SharedAnswer } from './budgets.ts'
import { budgetsSetting } from './budget-setting.ts'

/** Accounts with a clock that the test sets, and what others say if there are others. */
function accountsWith(shared?: SharedAccounts) {
  const counted: string[] = []
  const due: (() => void)[] = []
  let nowMs = 0
  const accounts = new Accounts({
    clock: { nowMs: () => nowMs, after: (_ms, run) => (due.push(run), () => undefined) },
    shared,
    budgets: { mutations: { perSecond: 10, burst: 5 }, 'stored-bytes': { perSecond: 1000, burst: 1000 } },
    overrides: { mutations: { '@bot': { perSecond: 10, burst: 50 }, '@free': { perSecond: 0, burst: 1 } } },
    counted: (budget, outcome, kept) => counted.push(`${budget} ${outcome} ${kept}`),
  })
  const timePasses = (ms: number): void => {
    nowMs += ms
    for (const run of due.splice(0)) run()
  }
  return { accounts, counted, timePasses }
}

const mutations = (account: string, cost = 1): Charge => ({ budget: 'mutations', account, cost })
const stored = (account: string, cost: number): Charge => ({ budget: 'stored-bytes', account, cost })

/** Others who hold the same accounts. */
class Others implements SharedAccounts {
  readonly asked: { how: string; charges: readonly PricedCharge[] }[] = []
  answer: SharedAnswer | undefined = { refused: undefined, spentMs: [] }

  ask(charges: readonly PricedCharge[], how: 'take' | 'spend'): Promise<SharedAnswer | undefined> {
    this.asked.push({ how, charges })
    return Promise.resolve(this.answer)
  }
}

describe('budgets of one node', () => {
  test('N81 of several charges all are taken, or none and the budget in the way is named', async () => {
    const { accounts } = accountsWith()
    accounts.spend([stored('@ada', 5000)])
    expect(await accounts.take([mutations('@ada', 5), stored('@ada', 0)])).toEqual({
      budget: 'stored-bytes',
      retryAfterMs: 4000,
    })
    // Its mutations were not taken with it.
    expect(accounts.takeHere([mutations('@ada', 5)])).toBeUndefined()
    expect(accounts.takeHere([mutations('@ada')])).toEqual({ budget: 'mutations', retryAfterMs: 100 })
    expect(accounts.takeHere([mutations('@ben', 5)])).toBeUndefined()
  })

  test('N81 a budget of its own counts instead, and 0 a second or no budget is no limit', async () => {
    const { accounts } = accountsWith()
    expect(await accounts.take([mutations('@bot', 50)])).toBeUndefined()
    expect(await accounts.take([mutations('@bot', 50)])).toMatchObject({ budget: 'mutations' })
    for (let round = 0; round < 1000; round += 1)
      expect(
        accounts.takeHere([mutations('@free', 100), { budget: 'signals', account: '@ada', cost: 100 }]),
      ).toBeUndefined()
  })

  test('N81 what is held in memory is bounded, whoever asks, and who is over is remembered before who is level', () => {
    const { accounts, timePasses } = accountsWith()
    accounts.spend([stored('@loud', 3_600_000)])
    for (let n = 0; n < 60_000; n += 1) {
      if (n % 1000 === 0) timePasses(200)
      accounts.takeHere([mutations(`@guest-${n}`)])
    }
    expect(accounts.size).toBeLessThan(51_000)
    expect(accounts.takeHere([stored('@loud', 0)])).toMatchObject({ budget: 'stored-bytes' })
  })
})

describe('budgets that nodes share', () => {
  test('N82 the accounts of all decide where they answer, in one question', async () => {
    const others = new Others()
    const { accounts, counted } = accountsWith(others)
    others.answer = { refused: { index: 1, waitMs: 70 }, spentMs: [0, 1070] }
    expect(await accounts.take([mutations('@ada'), stored('@ada', 0)])).toEqual({
      budget: 'stored-bytes',
      retryAfterMs: 70,
    })
    expect(others.asked).toHaveLength(1)
    expect(counted).toEqual(['stored-bytes refused shared'])
  })

  test('N82 where they do not answer this node decides, from what it learnt last', async () => {
    const others = new Others()
    const { accounts, counted, timePasses } = accountsWith(others)
    // Others took four of five.
    others.answer = { refused: undefined, spentMs: [400] }
    expect(await accounts.take([mutations('@ada')])).toBeUndefined()
    others.answer = undefined
    expect(await accounts.take([mutations('@ada')])).toBeUndefined()
    expect(await accounts.take([mutations('@ada')])).toEqual({ budget: 'mutations', retryAfterMs: 100 })
    timePasses(100)
    expect(await accounts.take([mutations('@ada')])).toBeUndefined()
    expect(counted.slice(1)).toEqual([
      ...['mutations allowed here', 'mutations refused here', 'mutations allowed here'],
    ])
  })

  test('N82 what is decided here is told to the others together, and what they took is learnt from it', async () => {
    const others = new Others()
    const { accounts, timePasses } = accountsWith(others)
    for (let round = 0; round < 3; round += 1) accounts.takeHere([mutations('@ada')])
    accounts.spend([stored('@ada', 10)])
    expect(others.asked).toEqual([])
    others.answer = { refused: undefined, spentMs: [900, 10] }
    timePasses(50)
    expect(others.asked).toMatchObject([{ how: 'spend', charges: [mutations('@ada', 3), stored('@ada', 10)] }])
    await Promise.resolve()
    expect(accounts.takeHere([mutations('@ada')])).toEqual({ budget: 'mutations', retryAfterMs: 500 })
  })
})

test('N83 budgets of their own are a setting, and one that is not understood is refused', () => {
  const { schema } = budgetsSetting
  const bot = { perSecond: 500, burst: 2000 }
  expect(schema.parse(JSON.stringify({ mutations: { '@bot': bot } }))).toEqual({ mutations: { '@bot': bot } })
  expect(schema.parse('')).toEqual({})
  for (const wrong of ['{', '[]', '{"mutation": {}}', '{"mutations": {"@bot": {"perSecond": -1, "burst": 1}}}'])
    expect(schema.safeParse(wrong).success).toBe(false)
})
