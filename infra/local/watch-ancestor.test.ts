import { expect, test, vi } from 'vitest'
import { type LookUpProcess, lookUpProcess, type ProcessFacts, stillRuns } from './process-facts.ts'
import { ancestorsToWatch, watchAncestors } from './watch-ancestor.ts'

/** A line of descent, eldest first; each is the parent of the next. The last is the launcher. */
function line(...commands: string[]): { pid: number; lookUp: LookUpProcess } {
  const facts = commands.map(
    (command, index): ProcessFacts => ({
      pid: 100 + index,
      parent: index === 0 ? 1 : 99 + index,
      startedAt: 's',
      command,
    }),
  )
  return { pid: 99 + commands.length, lookUp: (pid) => facts.find((entry) => entry.pid === pid) }
}

test.each([
  [
    ['-bash', 'npm start', 'npm exec pnpm install && exec node', 'node start.ts'],
    ['npm exec', 'npm start'],
  ],
  [
    ['bash', 'npm start', 'sh -c npx …', 'npm exec -p node', 'sh -c pnpm install', 'node'],
    ['sh', 'npm', 'sh', 'npm'],
  ],
  [['bash', 'node /usr/lib/node_modules/npm/bin/npm-cli.js start', 'node start.ts'], ['node /usr']],
  [['systemd', 'bash', 'node start.ts'], []],
  [['bash -c "npm start"', 'node start.ts'], []],
  [['bash', 'python npm start', 'node start.ts'], []],
])('I6 of %j', (commands, watched) => {
  const { pid, lookUp } = line(...commands)
  const found = ancestorsToWatch(pid, lookUp).map(({ command }) => command)
  expect(found).toHaveLength(watched.length)
  found.forEach((command, index) => expect(command.startsWith(watched[index] ?? '-')).toBe(true))
})

test('I7 one that is gone is told once', () => {
  vi.useFakeTimers()
  const { pid, lookUp } = line('bash', 'npm start', 'npm exec', 'node')
  const ancestors = ancestorsToWatch(pid, lookUp)
  const gone = new Set<number>()
  const told: string[] = []
  watchAncestors({
    ancestors,
    everyMs: 500,
    onGone: ({ command }) => told.push(command),
    lookUp: (asked) => (gone.has(asked) ? undefined : lookUp(asked)),
  })
  vi.advanceTimersByTime(2_000)
  expect(told).toEqual([])
  gone.add(101)
  gone.add(102)
  vi.advanceTimersByTime(2_000)
  expect(told).toEqual(['npm exec'])
  vi.useRealTimers()
})

test('I5 a process of this machine is itself and no other', () => {
  const own = lookUpProcess(process.pid)
  expect(own).toMatchObject({ pid: process.pid, parent: process.ppid })
  expect(stillRuns({ pid: process.pid, startedAt: own?.startedAt ?? '' })).toBe(true)
  expect(stillRuns({ pid: process.pid, startedAt: 'another time' })).toBe(false)
  expect(lookUpProcess(4_000_000_000)).toBeUndefined()
})
