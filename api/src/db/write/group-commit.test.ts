import type { Mutation } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import type { Committed, Unit } from './commit.ts'
import { DatabaseAway, OutcomeUnknown } from '../failure.ts'
import { GroupCommit } from './group-commit.ts'

/** A database that commits when told to, and remembers what shared a transaction. */
function scriptedCommit(fail: (units: readonly Unit[]) => Error | undefined = () => undefined) {
  const transactions: { space: string | null; actors: string[] }[] = []
  const gates: (() => void)[] = []
  const commit = async (space: string | null, units: readonly Unit[]): Promise<Committed> => {
    transactions.push({ space, actors: units.map(({ actor }) => actor) })
    await new Promise<void>((resolve) => gates.push(resolve))
    const error = fail(units)
    if (error !== undefined) throw error
    return { outcomes: units.map(() => ({ status: 'decided', results: [] })), changes: [], removed: [] }
  }
  const release = async (): Promise<void> => {
    gates.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { commit, transactions, release }
}

const mutation: Mutation = { id: 'x', space: '@a', name: 'space.remove', args: {} }
const unit = (actor: string, size = 1): Unit => ({ actor, mutations: Array.from({ length: size }, () => mutation) })
const bounds = {
  committed: () => undefined,
  onFault: (thrown: unknown) => {
    throw thrown
  },
  maxMutations: 5,
  maxQueued: 100,
  maxWaitMs: 60_000,
}

test('A13 what arrives while one transaction commits shares the next, up to the bound, in order', async () => {
  const { commit, transactions, release } = scriptedCommit()
  const writes = new GroupCommit({ ...bounds, commit })
  const all = Promise.all([
    writes.submit('@a', unit('@1')),
    writes.submit('@a', unit('@2', 3)),
    writes.submit('@a', unit('@3', 2)),
    writes.submit('@b', unit('@4')),
    writes.submit('@a', unit('@5', 9)),
    writes.submit('@a', unit('@6')),
  ])
  for (let n = 0; n < 6; n += 1) await release()
  await all
  expect(transactions.filter(({ space }) => space === '@a').map(({ actors }) => actors)).toEqual([
    ['@1'],
    ['@2', '@3'],
    ['@5'],
    ['@6'],
  ])
  expect(transactions[1]).toEqual({ space: '@b', actors: ['@4'] })
  expect(writes.queued).toBe(0)
})

test('A63 a commit that cannot be told of stands: its writers are answered, and those behind them go on', async () => {
  const { commit, release } = scriptedCommit()
  const faults: unknown[] = []
  const fault = new Error('cannot be told')
  const committed = (): void => {
    throw fault
  }
  const writes = new GroupCommit({ ...bounds, commit, committed, onFault: (thrown) => faults.push(thrown) })
  const all = Promise.all([writes.submit('@a', unit('@1')), writes.submit('@a', unit('@2'))])
  for (let n = 0; n < 2; n += 1) await release()
  expect((await all).map(({ status }) => status)).toEqual(['decided', 'decided'])
  expect(faults).toEqual([fault, fault])
})

test('A13 one whose data is refused fails alone', async () => {
  const guilty = new Error('refused')
  const { commit, transactions, release } = scriptedCommit((units) =>
    units.some(({ actor }) => actor === '@bad') ? guilty : undefined,
  )
  const writes = new GroupCommit({ ...bounds, commit })
  const all = Promise.allSettled(['@first', '@good', '@bad', '@fine'].map((actor) => writes.submit('@a', unit(actor))))
  for (let n = 0; n < 5; n += 1) await release()
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(transactions.map(({ actors }) => actors.length)).toEqual([1, 3, 1, 1, 1])
})

test.each([new DatabaseAway('away'), new OutcomeUnknown('lost')])(
  'A13 $name is told to all and tried once',
  async (fault) => {
    const { commit, transactions, release } = scriptedCommit((units) => (units.length > 1 ? fault : undefined))
    const writes = new GroupCommit({ ...bounds, commit })
    const all = Promise.allSettled(['@1', '@2', '@3'].map((actor) => writes.submit('@a', unit(actor))))
    await release()
    await release()
    expect((await all).map((settled): unknown => (settled.status === 'rejected' ? settled.reason : 'fine'))).toEqual([
      'fine',
      fault,
      fault,
    ])
    expect(transactions).toHaveLength(2)
  },
)

test('A17 beyond the bound of all lanes together a write is refused at once', async () => {
  const { commit, release } = scriptedCommit()
  const writes = new GroupCommit({ ...bounds, commit, maxQueued: 3 })
  const first = writes.submit('@a', unit('@1', 3))
  const waiting = writes.submit('@a', unit('@2', 3))
  await expect(writes.submit('@b', unit('@3'))).rejects.toBeInstanceOf(DatabaseAway)
  await release()
  await release()
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
