import { expect, test } from 'vitest'
import { describeTally, readTally, sum, tallyOf } from './tally.ts'

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
  expect(tallyOf(given, exitCode)).toEqual({ passed, failed, skipped })
})

test('a run that left no report is a failure', () => {
  expect(readTally('/nowhere/report.json', 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('the last line names what was skipped only where something was', () => {
  const tally = { passed: 3, failed: 0, skipped: 0 }
  expect(describeTally(tally)).toBe('3 passed, 0 failed')
  expect(describeTally(sum([tally, { passed: 1, failed: 2, skipped: 4 }]))).toBe('4 passed, 2 failed, 4 skipped')
})
