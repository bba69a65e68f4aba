/** Counting: what a step of `npm test` found, read from vitest's report, and all of it together. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

export interface Tally {
  passed: number
  failed: number
  skipped: number
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 }
export const ONE_PASSED: Tally = { ...NOTHING, passed: 1 }
export const ONE_FAILED: Tally = { ...NOTHING, failed: 1 }
export const ONE_SKIPPED: Tally = { ...NOTHING, skipped: 1 }

export const sum = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (all, { passed, failed, skipped }) => ({
      passed: all.passed + passed,
      failed: all.failed + failed,
      skipped: all.skipped + skipped,
    }),
    NOTHING,
  )

const reportSchema = z.object({
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
})

/**
 * A file that failed without a failed test (it could not be loaded, a hook threw) counts as one failure, and so does a
 * run that ended badly though every test passed (an error outside of any test).
 */
export function tallyOf(report: unknown, exitCode: number | null): Tally {
  const { testResults } = reportSchema.parse(report)
  const tally = sum(
    testResults.map(({ status, assertionResults }) => {
      const count = (...names: string[]): number =>
        assertionResults.filter((test) => names.includes(test.status)).length
      const failed = count('failed')
      return {
        passed: count('passed'),
        failed: failed === 0 && status === 'failed' ? 1 : failed,
        skipped: count('skipped', 'pending', 'todo', 'disabled'),
      }
    }),
  )
  return exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
}

/** Without a readable report there is nothing to trust: one failure. */
export function readTally(file: string, exitCode: number | null): Tally {
  try {
    return tallyOf(JSON.parse(readFileSync(file, 'utf8')), exitCode)
  } catch {
    return ONE_FAILED
  }
}

export const describeTally = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
