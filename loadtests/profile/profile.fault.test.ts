import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@rhizom/infra/local/until.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listeningPorts } from './inspector.ts'

let folder: string
let busy: ChildProcess
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rhizom-profile-'))
  busy = fork(join(import.meta.dirname, '../testing/busy-process.ts'), { execArgv: ['--inspect-port=0'] })
  await once(busy, 'message')
})
afterEach(() => {
  busy.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

async function profile(args: readonly string[]): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const [code]: unknown[] = await once(child, 'close')
  return { code, output }
}

describe.skipIf(process.platform !== 'linux')('a profile of a process that runs', () => {
  it('L15 shows where its time goes, and leaves it running with its inspector closed', async () => {
    const out = join(folder, 'busy.svg')
    const { code, output } = await profile(['--pid', String(busy.pid), '--seconds', '2', '--out', out])
    expect(output).toMatch(/countToALot .*busy-process\.ts/)
    expect(code).toBe(0)
    expect(readFileSync(out, 'utf8')).toContain('countToALot')
    expect(JSON.parse(readFileSync(join(folder, 'busy.cpuprofile'), 'utf8'))).toHaveProperty('samples')
    expect(busy.exitCode).toBeNull()
    expect(await until(() => listeningPorts(busy.pid ?? 0)?.size === 0, { withinMs: 60_000 })).toBe(true)
  })

  it('L15 of what is no Node process there is none, and the reason is told', async () => {
    const { code, output } = await profile(['--pid', '99999999', '--seconds', '1'])
    expect(code).toBe(1)
    expect(output).toContain('No profile: ')
  })
})
