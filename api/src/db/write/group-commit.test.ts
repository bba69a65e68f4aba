import type { Mutation } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Committed, SpaceUnits, Unit, UnitOutcome } from './commit.ts'
import { DatabaseAway, OutcomeUnknown, Overtaken } from '../failure.ts'
import { GroupCommit } from './group-commit.ts'

interface Transaction {
  /** The actors of each space. */
  parts: Record<string, string[]>
  patient: boolean
}

/**
 * A database that commits when told to, and remembers what shared a transaction. What `fail` answers is thrown, or are
 * the spaces that another transaction holds.
 */
function scriptedCommit(
  fail: (parts: readonly SpaceUnits[], patient: boolean) => Error | string[] | undefined = () => undefined,
) {
  const transactions: Transaction[] = []
  const gates: (() => void)[] = []
  const commit = async (parts: readonly SpaceUnits[], patient: boolean): Promise<Committed> => {
    const actors = parts.map(({ space, units }) => [space ?? '', units.map(({ actor }) => actor)] as const)
    transactions.push({ parts: Object.fromEntries(actors), patient })
    await new Promise<void>((resolve) => gates.push(resolve))
    const failed = fail(parts, patient) ?? []
    if (failed instanceof Error) throw failed
    const decided = { status: 'decided', results: [] } satisfies UnitOutcome
    const outcomes = parts.map(({ space, units }) =>
      failed.includes(space ?? '') ? 'passed-over' : units.map(() => decided),
    )
    return { outcomes, changes: [], removed: [] }
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  /** Lets the transaction that began first go on. */
  const release = async (): Promise<void> => {
    await turn()
    gates.shift()?.()
    await turn()
  }
  const releaseAll = async (): Promise<void> => {
    await turn()
    while (gates.length > 0) await release()
  }
  return { commit, transactions, turn, release, releaseAll }
}

const mutation: Mutation = { id: 'x', space: '@a', name: 'intention.remove', args: { id: 'i' } }
const unit = (actor: string, size = 1): Unit => ({ actor, mutations: Array.from({ length: size }, () => mutation) })
const moving: Mutation = { id: 'x', space: '@a', name: 'being.move', args: { id: '@b' } }
const mover = (actor: string): Unit => ({ actor, mutations: [moving] })
const bounds = {
  committed: () => undefined,
  onFault: (thrown: unknown) => {
    throw thrown
  },
  maxMutations: 5,
  maxTransactions: 2,
  maxPatient: 1,
  maxQueued: 100,
  maxWaitMs: 60_000,
}

test('A13 what arrives while one transaction commits shares the next, up to the bound, in order', async () => {
  const { commit, transactions, release, releaseAll, turn } = scriptedCommit()
  const writes = new GroupCommit({ ...bounds, commit })
  const first = [writes.submit('@a', unit('@1'))]
  await turn()
  const others = [
    writes.submit('@a', unit('@2', 3)),
    writes.submit('@a', unit('@3', 2)),
    writes.submit('@a', unit('@5', 9)),
    writes.submit('@a', unit('@6')),
  ]
  await release()
  await releaseAll()
  await Promise.all([...first, ...others])
  expect(transactions.map(({ parts }) => parts['@a'])).toEqual([['@1'], ['@2', '@3'], ['@5'], ['@6']])
  expect(writes.queued).toBe(0)
})

test('A260 while every transaction is under way, what waits in all spaces shares the next, each space at most once', async () => {
  const { commit, transactions, releaseAll, turn } = scriptedCommit()
  const writes = new GroupCommit({ ...bounds, commit })
  const submitted: Promise<unknown>[] = []
  for (const space of ['@a', '@b']) {
    submitted.push(writes.submit(space, unit('@1')))
    await turn()
    await turn()
  }
  expect(transactions.map(({ parts }) => parts)).toEqual([{ '@a': ['@1'] }, { '@b': ['@1'] }])
  for (const space of ['@b', '@c', '@c', '@d']) submitted.push(writes.submit(space, unit('@2')))
  await turn()
  expect(transactions).toHaveLength(2)
  await releaseAll()
  await Promise.all(submitted)
  // The first that ended was that of @a: @b was under way still.
  expect(transactions.slice(2).map(({ parts }) => parts)).toEqual([
    { '@c': ['@2', '@2'], '@d': ['@2'] },
    { '@b': ['@2'] },
  ])
})

test('A261 a quiet space has its turn in the next transaction, however much waits for a hot one', async () => {
  const { commit, transactions, releaseAll, turn } = scriptedCommit()
  const writes = new GroupCommit({ ...bounds, maxMutations: 50, maxQueued: 100_000, commit })
  const first = writes.submit('@hot', unit('@0'))
  await turn()
  await turn()
  const hot = Array.from({ length: 1000 }, () => writes.submit('@hot', unit('@1')))
  const quiet = Array.from({ length: 20 }, (_none, n) => writes.submit(`@quiet-${n}`, unit('@2')))
  await releaseAll()
  await Promise.all([first, ...hot, ...quiet])
  const turnOfQuiet = transactions.findIndex(({ parts }) => '@quiet-19' in parts)
  expect(turnOfQuiet).toBeLessThanOrEqual(2)
})

test('A262 a space that another node holds is passed over, and waits for its lock beside what need not wait', async () => {
  const { commit, transactions, release, releaseAll, turn } = scriptedCommit((_parts, patient) =>
    patient ? [] : ['@held'],
  )
  const writes = new GroupCommit({ ...bounds, commit })
  const all = ['@a', '@held', '@b'].map((space) => writes.submit(space, unit('@1')))
  const second = writes.submit('@held', unit('@2'))
  await release()
  await Promise.all([all[0], all[2]])
  const meanwhile = writes.submit('@a', unit('@3'))
  await turn()
  await turn()
  expect(transactions).toEqual([
    { parts: { '@a': ['@1'], '@held': ['@1', '@2'], '@b': ['@1'] }, patient: false },
    { parts: { '@held': ['@1', '@2'] }, patient: true },
    { parts: { '@a': ['@3'] }, patient: false },
  ])
  await releaseAll()
  await Promise.all([...all, second, meanwhile])
  expect(writes.queued).toBe(0)
})

test('A262 those that wait for locks are counted apart, and one that may lock more than its space has its own transaction', async () => {
  const { commit, transactions, releaseAll, turn } = scriptedCommit()
  const writes = new GroupCommit({ ...bounds, maxPatient: 2, commit })
  const all = ['@a', '@b', '@c', '@d'].map((space) => writes.submit(space, mover('@1')))
  all.push(writes.submit('@e', unit('@2')))
  await turn()
  await turn()
  expect(transactions).toEqual([
    { parts: { '@a': ['@1'] }, patient: true },
    { parts: { '@b': ['@1'] }, patient: true },
    { parts: { '@e': ['@2'] }, patient: false },
  ])
  await releaseAll()
  await Promise.all(all)
  expect(transactions).toHaveLength(5)
})

test('A263 the units of a space keep their order, whoever is passed over, refused or does not share', async () => {
  const orders = fc.array(fc.tuple(fc.constantFrom('@a', '@b', '@c'), fc.constantFrom('plain', 'mover', 'bad')), {
    maxLength: 30,
  })
  await fc.assert(
    fc.asyncProperty(orders, fc.integer({ min: 0, max: 3 }), async (order, seed) => {
      let nth = seed
      const { commit, transactions, releaseAll } = scriptedCommit((parts, patient) => {
        const actors = parts.flatMap(({ units }) => units.map(({ actor }) => actor))
        if (actors.some((actor) => actor.endsWith('bad'))) return new Error('refused')
        nth += 1
        return patient || nth % 4 !== 0 ? [] : parts.map(({ space }) => space ?? '').slice(0, 2)
      })
      const done = new Map<string, number[]>()
      const writes = new GroupCommit({ ...bounds, commit })
      const settled = await Promise.all([
        ...order.map(async ([space, kind], n) => {
          const one = kind === 'mover' ? mover(`@${n}`) : unit(`@${n}${kind === 'bad' ? 'bad' : ''}`)
          const isDone = await writes.submit(space, one).then(
            () => true,
            () => false,
          )
          if (isDone) done.set(space, [...(done.get(space) ?? []), n])
          return isDone === (kind !== 'bad')
        }),
        releaseAll(),
      ])
      expect(settled).not.toContain(false)
      for (const numbers of done.values()) expect(numbers).toEqual([...numbers].sort((left, right) => left - right))
      for (const { parts } of transactions) expect(Object.keys(parts).length).toBeGreaterThan(0)
      expect(writes.queued).toBe(0)
    }),
  )
})

test('A63 a commit that cannot be told of stands: its writers are answered, and those behind them go on', async () => {
  const { commit, releaseAll, turn } = scriptedCommit()
  const faults: unknown[] = []
  const fault = new Error('cannot be told')
  const committed = (): void => {
    throw fault
  }
  const writes = new GroupCommit({ ...bounds, commit, committed, onFault: (thrown) => faults.push(thrown) })
  const first = writes.submit('@a', unit('@1'))
  await turn()
  const all = Promise.all([first, writes.submit('@a', unit('@2'))])
  await releaseAll()
  expect((await all).map(({ status }) => status)).toEqual(['decided', 'decided'])
  expect(faults).toEqual([fault, fault])
})

test.each([new Error('refused'), new Overtaken('others were in the way')])(
  'A264 $message: one in a transaction of many fails alone, and nobody else of whatever space',
  async (fault) => {
    const { commit, transactions, releaseAll } = scriptedCommit((parts) =>
      parts.some(({ units }) => units.some(({ actor }) => actor === '@bad')) ? fault : undefined,
    )
    const writes = new GroupCommit({ ...bounds, maxMutations: 50, commit })
    const actors = ['@first', '@good', '@bad', '@fine']
    const all = Promise.allSettled([
      ...actors.map((actor) => writes.submit('@a', unit(actor))),
      ...actors.slice(0, 2).map((actor) => writes.submit('@b', unit(actor))),
    ])
    await releaseAll()
    expect((await all).map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, true, true])
    expect(transactions.map(({ parts }) => Object.values(parts).flat().length)).toEqual([6, 3, 1, 2, 1, 1, 3])
  },
)

test.each([new DatabaseAway('away'), new OutcomeUnknown('lost')])(
  'A13 $name is told to all and tried once',
  async (fault) => {
    const { commit, transactions, releaseAll } = scriptedCommit(() => fault)
    const writes = new GroupCommit({ ...bounds, commit })
    const all = Promise.allSettled(['@a', '@a', '@b'].map((space) => writes.submit(space, unit('@1'))))
    await releaseAll()
    const reasons = (await all).map((settled): unknown => (settled.status === 'rejected' ? settled.reason : 'fine'))
    expect(reasons).toEqual([fault, fault, fault])
    expect(transactions).toHaveLength(1)
  },
)

test('A17 beyond the bound of all lanes together a write is refused at once', async () => {
  const { commit, releaseAll, turn } = scriptedCommit()
  const writes = new GroupCommit({ ...bounds, commit, maxQueued: 3 })
  const first = writes.submit('@a', unit('@1', 3))
  await turn()
  await turn()
  const waiting = writes.submit('@a', unit('@2', 3))
  await expect(writes.submit('@b', unit('@3'))).rejects.toBeInstanceOf(DatabaseAway)
  await releaseAll()
  await Promise.all([first, waiting])
  expect(writes.queued).toBe(0)
})

test('A17 a write that waited too long for its turn is refused and never tried', async () => {
  const { commit, transactions, release } = scriptedCommit()
  const writes = new GroupCommit({ ...bounds, commit, maxWaitMs: -1 })
  await expect(writes.submit('@a', unit('@1'))).rejects.toBeInstanceOf(DatabaseAway)
  await release()
  expect(transactions).toEqual([])
})
