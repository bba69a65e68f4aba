/**
 * Proves that the simulation can fail: each of the deliberate faults of mutants.ts and presence-mutants.ts, put into a copy of the real
 * sources, is found within a bounded number of seeds.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Hunt } from './hunt.ts'
import { MUTANTS as MESSAGE_MUTANTS, type Mutant } from './mutants.ts'
import { PRESENCE_MUTANTS } from './presence-mutants.ts'
import { removeCopy, spoiltCopy } from './spoilt-copy.ts'

const MUTANTS: readonly Mutant[] = [...MESSAGE_MUTANTS, ...PRESENCE_MUTANTS]
const MAX_SEEDS = 300
const AT_ONCE = 2
/** For one mutant, on a slow machine. */
const TIMEOUT_MS = 120_000

let directory: string
const hunts = new Map<string, Promise<Hunt>>()

beforeAll(() => {
  const local = join(repository, '.local')
  mkdirSync(local, { recursive: true })
  directory = mkdtempSync(join(local, 'mutants-'))
  // A few lanes, so that the machine is used and not flooded.
  const lanes = Array.from({ length: AT_ONCE }, () => Promise.resolve())
  for (const [index, mutant] of MUTANTS.entries()) {
    const lane = index % AT_ONCE
    const found = (lanes[lane] ?? Promise.resolve()).then(() => huntFor(mutant, join(directory, String(index))))
    hunts.set(mutant.name, found)
    lanes[lane] = found.then(
      () => undefined,
      () => undefined,
    )
  }
})

afterAll(async () => {
  const ended = (await Promise.allSettled(hunts.values())).flatMap((one) => ('value' in one ? one.value : []))
  removeCopy(directory)
  const found = ended.filter((hunt) => hunt.found !== undefined).length
  const runs = ended.reduce((sum, hunt) => sum + hunt.runs, 0)
  process.stdout.write(`simulation: ${found} of ${MUTANTS.length} mutants found, by ${runs} runs altogether\n`)
})

function huntFor(mutant: Mutant, copy: string): Promise<Hunt> {
  spoiltCopy(repository, copy, mutant)
  return new Promise((resolve, reject) => {
    const args = [join(copy, 'test/simulation/hunt.ts'), '1', String(MAX_SEEDS), mutant.known ?? '']
    execFile(process.execPath, args, { timeout: TIMEOUT_MS }, (error, stdout) => {
      removeCopy(copy)
      if (error === null) resolve(JSON.parse(stdout) as Hunt)
      else reject(error)
    })
  })
}

test.each(MUTANTS)('S14 the simulation finds: $name', async ({ name }) => {
  const hunt = await hunts.get(name)
  expect(hunt?.found, `no seed of ${MAX_SEEDS} finds it: the simulation has a hole`).toBeDefined()
})

test('S14 a mutant that no longer applies is an error and not a success', () => {
  const gone: Mutant = { name: 'gone', file: 'protocol/src/position.ts', find: 'no such line', put: '' }
  const copy = join(directory, 'gone')
  expect(() => spoiltCopy(repository, copy, gone)).toThrow('0 times')
  removeCopy(copy)
})
