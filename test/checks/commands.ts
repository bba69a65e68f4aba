/** The checks of the sources, as commands: what `npm run check` runs, and what the test of the checks runs on a copy. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'

export interface CheckCommand {
  file: string
  args: string[]
}

const program = (name: string): string => join(repository, 'node_modules', '.bin', name)

export const PACKAGES = [
  'machine',
  'protocol',
  'domain',
  'api',
  'gateway',
  'client',
  'web',
  'infra',
  'loadtests',
  'test',
  'docs',
]

/** One for each package that has sources. */
export const typeChecks = (): (CheckCommand & { name: string })[] =>
  PACKAGES.filter((name) => existsSync(join(repository, name, 'tsconfig.json'))).map((name) => ({
    name: `types of ${name}`,
    file: program('tsc'),
    args: ['--pretty', '-p', name],
  }))

export const lintCheck = (): CheckCommand => ({
  file: program('oxlint'),
  args: ['--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
})

export const importCheck = (folders: readonly string[]): CheckCommand => ({
  file: program('depcruise'),
  args: ['--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', ...folders],
})

export const formatCheck = (write = false): CheckCommand => ({
  file: program('biome'),
  args: ['format', ...(write ? ['--write'] : []), '--no-errors-on-unmatched'],
})
