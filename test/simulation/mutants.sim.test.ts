/**
 * Proves that the simulation can fail: each of the deliberate faults of mutants.ts, presence-mutants.ts,
 * page-mutants.ts and bot-mutants.ts, put into the real sources as a process of its own loads them, is found within a
 * bounded number of seeds. Each names what is known to find it, so that it is found at once; where that has come to
 * nothing a hunt follows, and is told of.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { nodeStart } from '@rhizom/kit/node-start.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BOT_MUTANTS } from './bot-mutants.ts'
import type { Hunt } from './find-mutant.ts'
import { MUTANTS as MESSAGE_MUTANTS, type Mutant, mutate } from './mutants.ts'
import { PAGE_MUTANTS } from './page-mutants.ts'
import { PRESENCE_MUTANTS } from './presence-mutants.ts'

const MUTANTS: readonly Mutant[] = [...MESSAGE_MUTANTS, ...PRESENCE_MUTANTS, ...PAGE_MUTANTS, ...BOT_MUTANTS]
const MAX_SEEDS = 300
const AT_ONCE = 2
/** For one mutant, hunted on a machine that is busy with other work. */
const TIMEOUT_MS = 170_000

const finder = fileURLToPath(new URL('./find-mutant.ts', import.meta.url))
const hunts = new Map<string, PromiseWithResolvers<Hunt>>(
  MUTANTS.map(({ name }) => [name, Promise.withResolvers<Hunt>()]),
)

const find = (mutant: Mutant): Promise<Hunt> =>
  new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [finder, JSON.stringify(mutant), String(MAX_SEEDS)],
      { timeout: TIMEOUT_MS, env: { ...process.env, ...nodeStart() } },
      (error, stdout) => {
        if (error === null) resolve(JSON.parse(stdout) as Hunt)
        else reject(error)
      },
    )
  })

beforeAll(() => {
  const waiting = MUTANTS.values()
  const lane = async (): Promise<void> => {
    for (const mutant of waiting) {
      const hunt = hunts.get(mutant.name)
      await find(mutant).then(hunt?.resolve, hunt?.reject)
    }
  }
  for (let lanes = 0; lanes < AT_ONCE; lanes++) void lane()
})

afterAll(async () => {
  const all = await Promise.allSettled([...hunts.values()].map(({ promise }) => promise))
  const ended = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const found = ended.filter((hunt) => hunt.found !== undefined).length
  const runs = ended.reduce((sum, hunt) => sum + hunt.runs, 0)
  process.stdout.write(`simulation: ${found} of ${MUTANTS.length} mutants found, by ${runs} runs altogether\n`)
})

test.each(MUTANTS)('S14 the simulation finds: $name', async ({ name, known }) => {
  const hunt = await hunts.get(name)?.promise
  expect(hunt?.found, `no seed of ${MAX_SEEDS} finds it: the simulation has a hole`).toBeDefined()
  if (hunt?.byKnown === false)
    process.stdout.write(
      `"${name}" is no longer found by ${known}, but by seed ${hunt.found?.seed} after ${hunt.runs} runs\n`,
    )
})

test('S14 a mutant that no longer applies is an error and not a success', () => {
  const gone: Mutant = { name: 'gone', file: 'protocol/src/position.ts', find: 'no such line', put: '' }
  expect(() => mutate('some lines', gone)).toThrow('0 times')
  expect(() => mutate('no such line, no such line', gone)).toThrow('2 times')
})

test('S14 a mutant of a file that the simulation does not run is an error and not a success', async () => {
  const elsewhere: Mutant = { name: 'elsewhere', file: 'test/run.ts', find: 'const screen =', put: 'const screen  =' }
  await expect(find(elsewhere)).rejects.toThrow('the simulation runs without test/run.ts')
})
