/** A thousand inputs from fixed seeds, so that a failure is the same the next time. `npm run fuzz` tries others. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { lookUpProcess, stillRuns } from '@rhizom/infra/local/process-facts.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { processTree } from '../faults/process-signals.ts'
import { Fuzz } from './fuzz/fuzz.ts'
import { RAISED_LIMITS } from './settings.ts'
import { Stage } from './stage.ts'

const FIRST_SEED = 1_000
const FUZZED = 1_000
const run = fileURLToPath(new URL('./fuzz/run.ts', import.meta.url))

let stage: Stage

beforeAll(async () => {
  stage = await Stage.start({ env: RAISED_LIMITS })
}, 120_000)
afterAll(async () => {
  await stage?.stop()
})

test('H13 a thousand inputs from the schemas, spoilt by chance', async () => {
  const fuzz = await Fuzz.open(stage)
  const { problems, figures } = await stage.judge(fuzz.attack(FIRST_SEED, FUZZED))
  process.stdout.write(`${fuzz.tally.progress()}\n${figures}\n`)
  expect(problems).toEqual([])
  expect(fuzz.tally.inputs).toBeGreaterThanOrEqual(FUZZED)
})

test('H22 the same seed makes the same episode', async () => {
  const [one, other] = [await Fuzz.open(stage), await Fuzz.open(stage)]
  const seeds = Array.from({ length: 50 }, (_, index) => index)
  expect(seeds.map((seed) => one.episode(seed))).toEqual(seeds.map((seed) => other.episode(seed)))
  expect(one.episode(1)).not.toEqual({ ...one.episode(2), seed: 1 })
})

test('H24 a fuzz that is killed leaves no process behind', async () => {
  const child = spawn(process.execPath, [run, '--minutes', '10'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk) => (said += String(chunk)))
  try {
    await eventually('the fuzz has begun', () => said.includes('seeds from'), 150_000)
    const before = processTree(child.pid ?? 0).flatMap((pid) => lookUpProcess(pid) ?? [])
    expect(before.filter(({ command }) => /main\.ts/.test(command))).toHaveLength(3)
    child.kill('SIGKILL')
    await eventually('every process is gone', () => !before.some((facts) => stillRuns(facts)), 60_000)
  } finally {
    child.kill('SIGKILL')
  }
})
