/** The short run: every fault once, against one rig, with writing going on. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bringUp, type Cast } from './cast.ts'
import { EVERY_FAULT, PART_FAULTS } from './catalog/catalog.ts'
import { clientFaults } from './catalog/client-faults.ts'
import { commitFaults } from './catalog/commit-faults.ts'
import { deafFaults } from './catalog/deaf-faults.ts'
import { historyFaults } from './catalog/history-faults.ts'
import { logFaults } from './catalog/log-faults.ts'
import { presenceFaults } from './catalog/presence-faults.ts'
import { starvationFaults } from './catalog/starvation-faults.ts'
import type { Outcome } from './drill.ts'
import type { Fault } from './fault.ts'
import { PRESENCE_FACTS } from './presence/settings.ts'
import { commitNow, writeReport } from './report.ts'
import { totalsOf } from './report-rows.ts'
import { failuresOf } from './report-text.ts'
import type { RunFacts } from './run-facts.ts'

const seed = 1
const FAULT_WITHIN = { timeout: 90_000 }

let cast: Cast
const startedAt = performance.now()
const outcomes: Outcome[] = []

const facts = (): RunFacts => ({
  command: 'npm test',
  commit: commitNow(),
  date: new Date().toISOString().slice(0, 10),
  seed,
  tookMs: performance.now() - startedAt,
  cast: cast.describe(),
  presence: PRESENCE_FACTS,
  logs: cast.rig.logs,
})

/** Runs a fault; after a failed one everything is mended first, so that one failure does not make others. */
async function drill(fault: Fault): Promise<{ outcome: Outcome; clients: string }> {
  const outcome = await cast.drill.run(fault)
  const clients = cast.crowd.describe()
  outcomes.push(outcome)
  if (!outcome.passed) await cast.drill.mend()
  return { outcome, clients }
}

beforeAll(async () => {
  cast = await bringUp({ seed, pace: { batch: 3, everyMs: 80 } })
}, 60_000)

afterAll(async () => {
  await cast?.stop()
}, 60_000)

async function expectHarmless(fault: Fault): Promise<void> {
  const { outcome, clients } = await drill(fault)
  expect(outcome.passed, `${failuresOf([outcome], facts())}\n${clients}`).toBe(true)
  expect(outcome).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, ghosts: 0, missing: 0, blinks: 0 })
  expect(outcome.acknowledged).toBeGreaterThan(0)
  expect(outcome.exactMs).toBeGreaterThan(0)
}

const [slowReader, ...otherClients] = clientFaults

test.for(presenceFaults)('F1 F2 F3 F7 F8 F9 F10 F11 $name', FAULT_WITHIN, expectHarmless)

test.for([...PART_FAULTS, ...otherClients])('F1 F2 F3 F7 F8 F9 F10 $name', FAULT_WITHIN, expectHarmless)

test.for(deafFaults)('F1 F2 F3 F7 F8 F9 F10 F12 G122 G123 A68 $name', FAULT_WITHIN, expectHarmless)

test.for(starvationFaults)('F1 F2 F3 F7 F8 F9 F10 F13 G124 $name', FAULT_WITHIN, expectHarmless)

test.for(commitFaults)('F1 F2 F3 F4 F7 F8 F9 F10 $name', FAULT_WITHIN, expectHarmless)

test.for(slowReader === undefined ? [] : [slowReader])('F1 F2 F3 F5 F7 F8 F9 F10 $name', FAULT_WITHIN, expectHarmless)

test.for([...logFaults, ...historyFaults])('F1 F2 F3 F6 F7 F8 F9 F10 $name', FAULT_WITHIN, expectHarmless)

test('F1 F2 the run as a whole wrote under every fault, lost nothing, and leaves its table', () => {
  const { text } = writeReport(outcomes, facts(), false)
  process.stdout.write(`\n${text}\n`)
  const totals = totalsOf(outcomes)
  expect(outcomes).toHaveLength(EVERY_FAULT.length)
  expect(totals).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, ghosts: 0, missing: 0, blinks: 0, failed: 0 })
  expect(totals.acknowledged).toBeGreaterThan(outcomes.length * 60)
})
