import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findK6 } from './k6.ts'
import type { Plan } from './scenarios/plan.ts'
import { type Fault, startScriptedSystem } from './testing/scripted-system.ts'

const repository = join(import.meta.dirname, '..')
const k6 = await findK6({
  named: process.env['K6'],
  cacheFolder: join(repository, '.local/cache/k6'),
  say: () => undefined,
  mayBuild: false,
})

/** Runs the scenario against a system with a fault; the bounds that did not hold. */
async function brokenBounds(
  fault: Fault,
  more: Partial<Plan> = {},
): Promise<{ code: number | null; broken: string[] }> {
  const program = k6.ok ? k6.program : ''
  const system = await startScriptedSystem(fault)
  const folder = mkdtempSync(join(tmpdir(), 'rhizom-loadtest-'))
  const plan: Plan = {
    scenario: 'write-to-screen',
    run: 'test',
    metrics: [],
    api: [system.url],
    gateways: [system.url],
    clients: 2,
    spaces: 1,
    writers: 1,
    rate: 20,
    durationSeconds: 1,
    // Six of them run at once, on a machine that may be busy: that nothing is wrong must not depend on how fast it is.
    connectSeconds: 5,
    settleSeconds: 10,
    p95Ms: 60_000,
    watcherVus: 1,
    ...more,
  }
  const scenario = join(import.meta.dirname, 'scenarios/load.ts')
  const child = spawn(program, ['run', '--quiet', '--no-usage-report', '--address=', scenario], {
    env: { ...process.env, RHIZOM_PLAN: JSON.stringify(plan), RHIZOM_REPORT: folder },
    stdio: 'ignore',
  })
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve))
  await system.close()
  const report: { figures: { bounds: { measure: string; held: boolean }[] } } = JSON.parse(
    readFileSync(join(folder, 'write-to-screen.json'), 'utf8'),
  )
  rmSync(folder, { recursive: true })
  return { code, broken: report.figures.bounds.filter(({ held }) => !held).map(({ measure }) => measure) }
}

describe.skipIf(!k6.ok)('write to screen, where k6 can be had', { concurrent: true }, () => {
  it('L11 passes where nothing is wrong', async () => {
    expect(await brokenBounds('none')).toEqual({ code: 0, broken: [] })
  })

  it.each<[Fault, string]>([
    ['left out', 'order_violations'],
    ['silence', 'changes_lost'],
    ['swapped', 'order_violations'],
    ['twice', 'duplicates'],
    ['unlogged', 'acknowledged_missing'],
  ])('L11 finds this fault: %s', async (fault, measure) => {
    const { code, broken } = await brokenBounds(fault)
    expect(code).not.toBe(0)
    expect(broken).toContain(measure)
  })

  const cut = { durationSeconds: 3, cuts: { everySeconds: 1, awaySeconds: 0.4 } }

  it('L18 passes where those who were cut off are told what they missed', async () => {
    expect(await brokenBounds('none', cut)).toEqual({ code: 0, broken: [] })
  })

  it('L18 finds that those who come back are not told what they missed', async () => {
    const { code, broken } = await brokenBounds('forgetful', cut)
    expect(code).not.toBe(0)
    expect(broken).toContain('order_violations')
  })
})
