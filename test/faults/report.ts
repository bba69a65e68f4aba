/**
 * What a run leaves behind: a table on the screen, `faults.json` with every number, and `faults.svg`, the picture that
 * the README shows. Text and picture are made elsewhere (report-text.ts, report-svg.ts); this gathers the facts of a
 * run and writes the files.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { LONG_RUN_FAULTS } from './catalog/catalog.ts'
import type { Outcome } from './drill.ts'
import { pictureOf } from './report-svg.ts'
import { totalsOf } from './report-rows.ts'
import { tableOf } from './report-text.ts'
import type { RunFacts } from './run-facts.ts'

export interface WrittenReport {
  text: string
  svg: string
  json: string
}

export const reportFolder = join(repository, '.local', 'faults')
export const publishedPicture = join(repository, 'docs', 'faults.svg')

export function commitNow(): string {
  const git = (...args: string[]): string =>
    spawnSync('git', args, { cwd: repository, encoding: 'utf8' }).stdout?.trim() ?? ''
  const commit = git('rev-parse', '--short', 'HEAD')
  return commit === '' ? 'no commit' : `${commit}${git('status', '--porcelain') === '' ? '' : '+'}`
}

/** Writes JSON and picture under a name; `publish` also writes the picture where the README shows it. */
export function writeReport(
  outcomes: readonly Outcome[],
  facts: RunFacts,
  { name, publish }: { name: string; publish: boolean },
): WrittenReport {
  mkdirSync(reportFolder, { recursive: true })
  const json = join(reportFolder, `${name}.json`)
  const svg = join(reportFolder, `${name}.svg`)
  const order = LONG_RUN_FAULTS.map(({ name }) => name)
  const picture = pictureOf(outcomes, facts, order)
  writeFileSync(json, `${JSON.stringify({ ...facts, totals: totalsOf(outcomes), outcomes }, undefined, 2)}\n`)
  writeFileSync(svg, picture)
  if (publish) writeFileSync(publishedPicture, picture)
  return { text: tableOf(outcomes, facts, order), svg, json }
}
