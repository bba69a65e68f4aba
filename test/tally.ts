/** Counting: what a step of `npm test` found, read from vitest's report, and all of it together. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { z } from 'zod'

export interface Tally {
  passed: number
  failed: number
  skipped: number
  /** What failed, by name and with the beginning of its reason; not everything that counts as failed has a name. */
  failures: readonly string[]
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] }
export const ONE_PASSED: Tally = { ...NOTHING, passed: 1 }
export const ONE_FAILED: Tally = { ...NOTHING, failed: 1 }
export const ONE_SKIPPED: Tally = { ...NOTHING, skipped: 1 }

/** Lines of a reason that are repeated at the end of a run: enough to see what it was, short enough for ten of them. */
const REASON_LINES = 12

export const sum = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (all, { passed, failed, skipped, failures }) => ({
      passed: all.passed + passed,
      failed: all.failed + failed,
      skipped: all.skipped + skipped,
      failures: [...all.failures, ...failures],
    }),
    NOTHING,
  )

const testSchema = z.object({
  status: z.string(),
  fullName: z.string().default(''),
  failureMessages: z.array(z.string()).nullish(),
})

const fileSchema = z.object({
  status: z.string(),
  name: z.string().default(''),
  message: z.string().nullish(),
  assertionResults: z.array(testSchema),
})

const reportSchema = z.object({ testResults: z.array(fileSchema) })

/**
 * A file that failed without a failed test (it could not be loaded, a hook threw) counts as one failure, and so does a
 * run that ended badly though every test passed (an error outside of any test).
 */
export function tallyOf(report: unknown, exitCode: number | null): Tally {
  const { testResults } = reportSchema.parse(report)
  const tally = sum(
    testResults.map((file) => {
      const count = (...names: string[]): number =>
        file.assertionResults.filter((test) => names.includes(test.status)).length
      const failures = failuresOf(file)
      return {
        passed: count('passed'),
        failed: failures.length,
        skipped: count('skipped', 'pending', 'todo', 'disabled'),
        failures,
      }
    }),
  )
  return exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
}

function failuresOf({ status, name, message, assertionResults }: z.infer<typeof fileSchema>): string[] {
  const place = relative(repository, name)
  const failed = assertionResults.filter((test) => test.status === 'failed')
  if (failed.length === 0) return status === 'failed' ? [failure(place, message ?? '')] : []
  return failed.map((test) => failure(`${place} > ${test.fullName}`, (test.failureMessages ?? []).join('\n')))
}

/** One failure with a name. */
export const failedAs = (title: string, reason: string): Tally => ({
  ...ONE_FAILED,
  failures: [failure(title, reason)],
})

const failure = (title: string, reason: string): string =>
  [
    title,
    ...reason
      .trim()
      .split('\n', REASON_LINES)
      .map((line) => `    ${line}`),
  ].join('\n')

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
