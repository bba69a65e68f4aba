import { type Budget, spentTo, waitMs } from '@rhizom/machine'
import fc from 'fast-check'
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

describe('what the accounts of all leave to a node', () => {
  const bot = (cost = 1): Charge => mutations('@bot', cost)

  test('N85 what was heard within a second lets a node give a sixteenth of the burst, and it tells the others', async () => {
    const others = new Others()
    const { accounts, counted, timePasses } = accountsWith(others)
    for (let round = 0; round < 4; round += 1) expect(await accounts.take([bot()])).toBeUndefined()
    // Of fifty, three are a sixteenth; the first was asked about.
    expect(others.asked.map(({ how }) => how)).toEqual(['take'])
    expect(counted).toEqual([
      'mutations allowed shared',
      ...Array.from({ length: 3 }, () => 'mutations allowed leased'),
    ])
    await accounts.take([bot()])
    expect(others.asked.map(({ how }) => how)).toEqual(['take', 'take'])
    timePasses(50)
    expect(others.asked.at(-1)).toMatchObject({ how: 'spend', charges: [bot(3)] })
    await Promise.resolve()
    await accounts.take([bot(3)])
    expect(others.asked).toHaveLength(3)
  })

  test('N85 what was heard counts for a second', async () => {
    const askedAfter = async (ms: number): Promise<number> => {
      const others = new Others()
      const { accounts, timePasses } = accountsWith(others)
      await accounts.take([bot()])
      timePasses(ms)
      await accounts.take([bot()])
      return others.asked.length
    }
    expect([await askedAfter(999), await askedAfter(1000)]).toEqual([1, 2])
  })

  test('N85 what does not fit is asked about: too much at once, a small burst, an account that is used up here', async () => {
    const others = new Others()
    const { accounts, counted } = accountsWith(others)
    for (const charges of [[bot(4)], [mutations('@ada')], [bot(), stored('@bot', 0)]])
      for (let round = 0; round < 2; round += 1) await accounts.take(charges)
    // The last round found all it needed; what is only looked at costs nothing.
    expect(others.asked).toHaveLength(5)
    accounts.spend([stored('@bot', 1001)])
    others.answer = { refused: { index: 1, waitMs: 1 }, spentMs: [0, 1001] }
    expect(await accounts.take([bot(), stored('@bot', 0)])).toEqual({ budget: 'stored-bytes', retryAfterMs: 1 })
    expect(counted.at(-1)).toBe('stored-bytes refused shared')
  })

  test('N85 where what was given is not heard of any more, nothing is left to this node', async () => {
    const others = new Others()
    const { accounts, counted, timePasses } = accountsWith(others)
    for (let round = 0; round < 2; round += 1) await accounts.take([bot()])
    others.answer = undefined
    timePasses(50)
    await Promise.resolve()
    for (let round = 0; round < 2; round += 1) await accounts.take([bot()])
    expect(counted.map((line) => line.split(' ').at(-1))).toEqual(['shared', 'leased', 'here', 'here'])
  })

  test('N85 all nodes together give a sixteenth each beyond the budget at most, however late they hear', async () => {
    const SOME = fc.array(
      fc.record({
        node: fc.nat({ max: 2 }),
        cost: fc.integer({ min: 1, max: 4 }),
        pauseMs: fc.oneof(fc.constant(0), fc.nat({ max: 60 })),
        isHeard: fc.boolean(),
      }),
      { minLength: 50, maxLength: 400 },
    )
    await fc.assert(
      fc.asyncProperty(SOME, fc.integer({ min: 1, max: 100 }), async (asked, perSecond) => {
        const limit: Budget = { perSecond, burst: 64 }
        const cluster = new Cluster(3, limit)
        let given = 0
        for (const { node, cost, pauseMs, isHeard } of asked) {
          cluster.timePasses(pauseMs, isHeard)
          if (await cluster.take(node, cost)) given += cost
          const back = (cluster.nowMs * perSecond) / 1000
          expect(given).toBeLessThanOrEqual(limit.burst + back + 3 * (limit.burst / 16) + 1e-6)
        }
      }),
    )
  })
})

/** Nodes with one account in common. What a node tells arrives when the test lets it. */
class Cluster {
  nowMs = 0
  readonly #nodes: Accounts[]
  readonly #limit: Budget
  #levelAtMs = 0
  #due: { atMs: number; run: () => void }[] = []
  #told: (() => void)[] = []

  constructor(nodes: number, limit: Budget) {
    this.#limit = limit
    const clock = {
      nowMs: () => this.nowMs,
      after: (ms: number, run: () => void) => (this.#due.push({ atMs: this.nowMs + ms, run }), () => undefined),
    }
    this.#nodes = Array.from(
      { length: nodes },
      () =>
        new Accounts({
          ...{ clock, budgets: { mutations: limit }, overrides: {}, counted: () => undefined },
          shared: { ask: (charges, how) => this.#ask(charges, how) },
        }),
    )
  }

  async take(node: number, cost: number): Promise<boolean> {
    return (await this.#nodes[node]?.take([mutations('@one', cost)])) === undefined
  }

  timePasses(ms: number, isHeard: boolean): void {
    this.nowMs += ms
    const due = this.#due.filter(({ atMs }) => atMs <= this.nowMs)
    this.#due = this.#due.filter(({ atMs }) => atMs > this.nowMs)
    for (const { run } of due) run()
    if (isHeard) for (const hear of this.#told.splice(0)) hear()
  }

  #ask([charge]: readonly PricedCharge[], how: 'take' | 'spend'): Promise<SharedAnswer> {
    const cost = charge?.cost ?? 0
    const decide = (): SharedAnswer => {
      const wait = how === 'take' ? waitMs(this.#levelAtMs, this.#limit, this.nowMs, cost) : 0
      if (wait === 0) this.#levelAtMs = spentTo(this.#levelAtMs, this.#limit, this.nowMs, cost)
      const spentMs = [Math.max(0, this.#levelAtMs - this.nowMs)]
      return { refused: wait > 0 ? { index: 0, waitMs: wait } : undefined, spentMs }
    }
    if (how === 'take') return Promise.resolve(decide())
    return new Promise((resolve) => this.#told.push(() => resolve(decide())))
  }
}

test('N83 budgets of their own are a setting, and one that is not understood is refused', () => {
  const { schema } = budgetsSetting
  const bot = { perSecond: 500, burst: 2000 }
  expect(schema.parse(JSON.stringify({ mutations: { '@bot': bot } }))).toEqual({ mutations: { '@bot': bot } })
  expect(schema.parse('')).toEqual({})
  for (const wrong of ['{', '[]', '{"mutation": {}}', '{"mutations": {"@bot": {"perSecond": -1, "burst": 1}}}'])
    expect(schema.safeParse(wrong).success).toBe(false)
})
