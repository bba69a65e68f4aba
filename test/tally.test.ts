import { expect, test } from 'vitest'
import { describeTally, NOTHING, ONE_FAILED, readTally, sum, tallyOf } from './tally.ts'

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((outcome) => ({ status: outcome })),
})
const report = (...testResults: unknown[]) => ({ testResults })

test.each([
  ['counts by outcome', report(file('failed', 'passed', 'failed'), file('passed', 'passed', 'pending')), 1, [2, 1, 1]],
  ['a file that could not be loaded is a failure', report(file('failed'), file('passed', 'passed')), 1, [1, 1, 0]],
  ['so is an error outside of any test', report(file('passed', 'passed')), 1, [1, 1, 0]],
  ['nothing at all is nothing', report(), 0, [0, 0, 0]],
])('%s', (_name, given, exitCode, [passed, failed, skipped]) => {
  expect(tallyOf(given, exitCode)).toMatchObject({ passed, failed, skipped })
})

test('a run that left no report is a failure', () => {
  expect(readTally('/nowhere/report.json', 0)).toEqual(ONE_FAILED)
})

test('the last line names what was skipped only where something was', () => {
  const tally = { ...NOTHING, passed: 3 }
  expect(describeTally(tally)).toBe('3 passed, 0 failed')
  expect(describeTally(sum([tally, { ...NOTHING, passed: 1, failed: 2, skipped: 4 }]))).toBe(
    '4 passed, 2 failed, 4 skipped',
  )
})

test('what failed has a name and the beginning of its reason', () => {
  const failureMessages = [Array.from({ length: 100 }, (_none, line) => `line ${line}`).join('\n')]
  const { failures } = tallyOf(
    report(
      { ...file('failed'), name: '/somewhere/one.test.ts', message: 'no such module' },
      { ...file('failed'), assertionResults: [{ status: 'failed', fullName: 'it holds', failureMessages }] },
    ),
    1,
  )
  expect(failures).toHaveLength(2)
  expect(failures[0]).toMatch(/one\.test\.ts\n {4}no such module$/)
  expect(failures[1]).toMatch(/it holds\n {4}line 0\n/)
  expect(failures[1]).not.toContain('line 50')
})
