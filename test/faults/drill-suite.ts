/**
 * The short run of faults, as tests: every fault once, against one rig, with writing going on. It is in three thirds
 * (parts, links and stories.fault.test.ts), each with a rig of its own, because a rig waits more than it works.
 */
import { afterAll, beforeAll, expect } from 'vitest'
import { bringUp, type RunSetup } from './run-setup.ts'
import { type Outcome, WRITES_AFTERWARDS } from './drill.ts'
import type { Fault } from './fault.ts'
import { PRESENCE_FACTS } from './presence/settings.ts'
import { commitNow, writeReport } from './report.ts'
import { totalsOf } from './report-rows.ts'
import { failuresOf } from './report-text.ts'
import type { RunFacts } from './run-facts.ts'

const seed = 1
/**
 * Writing enough for each second of a drill to have its own: about twenty a second, a thousand in a run. `npm run
 * faults` writes and visits more.
 */
const PACE = { batch: 3, everyMs: 640, visitEveryMs: 120 }
/** Nobody waits long for a gateway that stops. */
const ENV = { gateway: { DRAIN_SPREAD_MS: '1000', DRAIN_HANDOVER_MS: '500' } }
/** A drill takes ten seconds, on a machine that is busy with other work several times as long. */
export const FAULT_WITHIN = { timeout: 170_000 }
export const RIG_WITHIN_MS = 170_000

interface Third {
  /** Drills one fault and holds it to having cost nothing. */
  expectHarmless(fault: Fault): Promise<void>
  /** Holds the whole of them to it, and leaves their table. */
  expectWholeRun(faults: readonly Fault[]): void
}

/** Brings up a rig for the tests of a file, whose report gets a name. */
export function rigForTests(name: string): Third {
  let setup: RunSetup
  const startedAt = performance.now()
  const outcomes: Outcome[] = []

  const facts = (): RunFacts => ({
    command: 'npm test',
    commit: commitNow(),
    date: new Date().toISOString().slice(0, 10),
    seed,
    tookMs: performance.now() - startedAt,
    participants: setup.describe(),
    presence: PRESENCE_FACTS,
    logs: setup.rig.logs,
  })

  /** Runs a fault; after a failed one everything is mended first, so that one failure does not make others. */
  async function drill(fault: Fault): Promise<{ outcome: Outcome; standing: string }> {
    const outcome = await setup.drill.run(fault)
    const standing = setup.clients.describe()
    outcomes.push(outcome)
    if (!outcome.passed) await setup.drill.mend()
    return { outcome, standing }
  }

  beforeAll(async () => {
    setup = await bringUp({ seed, pace: PACE, env: ENV })
  }, RIG_WITHIN_MS)

  afterAll(async () => {
    await setup?.stop()
  }, RIG_WITHIN_MS)

  async function expectHarmless(fault: Fault): Promise<void> {
    const { outcome, standing } = await drill(fault)
    expect(outcome.passed, `${failuresOf([outcome], facts())}\n${standing}`).toBe(true)
    expect(outcome).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, ghosts: 0, missing: 0, blinks: 0 })
    expect(outcome.acknowledged).toBeGreaterThan(0)
    expect(outcome.exactMs).toBeGreaterThan(0)
  }

  function expectWholeRun(faults: readonly Fault[]): void {
    const { text } = writeReport(outcomes, facts(), { name, publish: false })
    process.stdout.write(`\n${text}\n`)
    const totals = totalsOf(outcomes)
    expect(outcomes).toHaveLength(faults.length)
    expect(totals).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, ghosts: 0, missing: 0, blinks: 0, failed: 0 })
    expect(totals.acknowledged).toBeGreaterThan(outcomes.length * WRITES_AFTERWARDS)
  }

  return { expectHarmless, expectWholeRun }
}
