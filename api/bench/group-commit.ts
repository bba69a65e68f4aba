/**
 * What group commit is worth: the same writers on one space, first with one mutation per transaction, then sharing
 * transactions, in one run on one database. TEST_DATABASE_URL names the server; the database is made and dropped.
 *
 *   node api/bench/group-commit.ts [seconds] [writers]
 */
import { v7 as uuidv7 } from 'uuid'
import { commitParts } from '../src/db/write/commit.ts'
import { Database } from '../src/db/database.ts'
import { GroupCommit } from '../src/db/write/group-commit.ts'
import { createGuest } from '../src/db/write/guests.ts'
import { freshDatabase } from '../src/testing/index.ts'

const seconds = Number(process.argv[2] ?? 5)
const writers = Number(process.argv[3] ?? 128)
const print = (line: string): void => void process.stdout.write(`${line}\n`)

const fresh = await freshDatabase()
const database = new Database({ url: fresh.url, poolSize: 10, deadlineMs: 10_000, name: 'bench' })
await database.use((sql) => createGuest(sql, '@writer', 'Writer'))

async function measure(space: string, maxMutations: number): Promise<number> {
  let transactions = 0
  const writes = new GroupCommit({
    commit: (parts, patient) => {
      transactions += 1
      return commitParts(database, parts, patient, { maxContentBytes: 65_536, onRetry: () => undefined })
    },
    committed: () => undefined,
    onFault: (thrown) => {
      throw thrown
    },
    maxMutations,
    maxTransactions: 3,
    maxPatient: 1,
    maxQueued: 100_000,
    maxWaitMs: 10_000,
  })
  const actor = '@writer'
  const name = 'space.create'
  await writes.submit(space, { actor, mutations: [{ id: uuidv7(), space, name, args: { name: 'Bench' } }] })
  let applied = 0
  const end = performance.now() + seconds * 1000
  const write = async (): Promise<void> => {
    while (performance.now() < end) {
      const args = {
        id: uuidv7(),
        type: 'utterance' as const,
        content: ['a line of about the length of a usual message'],
      }
      const mutation = { id: uuidv7(), space, name: 'intention.create' as const, args }
      await writes.submit(space, { actor, mutations: [mutation] })
      applied += 1
    }
  }
  await Promise.all(Array.from({ length: writers }, write))
  const rate = applied / seconds
  print(`  ${rate.toFixed(0)} mutations/s in ${(transactions / seconds).toFixed(0)} transactions/s`)
  return rate
}

try {
  print(`${writers} writers on one space, ${seconds} s each`)
  print('one mutation per transaction:')
  const alone = await measure('@alone', 1)
  print('group commit:')
  const together = await measure('@together', 500)
  print(`group commit is worth a factor of ${(together / alone).toFixed(1)}`)
} finally {
  await database.close()
  await fresh.drop()
}
