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
async function brokenBounds(fault: Fault): Promise<{ code: number | null; broken: string[] }> {
  const program = k6.ok ? k6.program : ''
  const system = await startScriptedSystem(fault)
  const folder = mkdtempSync(join(tmpdir(), 'rhizom-loadtest-'))
  const plan: Plan = {
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
  }
  const scenario = join(import.meta.dirname, 'scenarios/write-to-screen.ts')
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
})
