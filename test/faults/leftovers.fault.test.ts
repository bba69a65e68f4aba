import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { lookUpProcess, type ProcessFacts, stillRuns } from '@rhizom/infra/local/process-facts.ts'
import { expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { isFrozen, processTree } from './process-signals.ts'

const run = fileURLToPath(new URL('./run.ts', import.meta.url))

test('F26 a run that is killed while a gateway is frozen leaves no process behind', async () => {
  const child = spawn(process.execPath, [run, '--only', 'gateway frozen', '--minutes', '10'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const all = (): ProcessFacts[] => processTree(child.pid ?? 0).flatMap((pid) => lookUpProcess(pid) ?? [])
  const nodes = (facts: readonly ProcessFacts[]): ProcessFacts[] =>
    facts.filter(({ command }) => /main\.ts/.test(command))
  try {
    await eventually('a gateway is frozen', () => nodes(all()).some(({ pid }) => isFrozen(pid)), 150_000)
    const before = all()
    expect(nodes(before)).toHaveLength(5)
    expect(before.length).toBeGreaterThan(nodes(before).length + 3)
    child.kill('SIGKILL')
    await eventually('every process is gone', () => !before.some((facts) => stillRuns(facts)), 60_000)
  } finally {
    child.kill('SIGKILL')
  }
}, 240_000)
