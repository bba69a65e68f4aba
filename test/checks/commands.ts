/**
 * The checks of the sources, as commands: what `npm run check` runs, and what the test of the checks runs on a copy.
 */
import { join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'

export interface CheckCommand {
  file: string
  args: string[]
}

const program = (name: string): string => join(repository, 'node_modules', '.bin', name)

export const PACKAGES = [
  ...['machine', 'protocol', 'domain', 'process', 'api', 'gateway', 'bots', 'client', 'web'],
  ...['infra', 'loadtests', 'test', 'docs'],
]

/**
 * All packages, as the few programs that tsconfig.json at the top refers to: a program for each package would check
 * what it imports once more. What has not changed since the last time is not read again.
 */
export const typeCheck = (): CheckCommand => ({
  file: program('tsc'),
  args: ['--build', '--pretty', '--builders', '2', '--checkers', '1'],
})

export const lintCheck = (): CheckCommand => ({
  file: program('oxlint'),
  args: ['--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
})

export const importCheck = (folders: readonly string[]): CheckCommand => ({
  file: program('depcruise'),
  args: ['--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', ...folders],
})

/** How much an app loads, held to limits. */
export const sizeCheck = (): CheckCommand => ({
  file: process.execPath,
  args: [join(repository, 'test', 'checks', 'sizes.ts')],
})

/** What an app can name of the client, held against the reports in client/api. */
export const faceCheck = (): CheckCommand => ({
  file: process.execPath,
  args: [join(repository, 'test', 'checks', 'public-face.ts')],
})

export const formatCheck = (write = false): CheckCommand => ({
  file: program('biome'),
  args: ['format', ...(write ? ['--write'] : []), '--no-errors-on-unmatched'],
})
