/**
 * Which releases may share a database. A migration that nodes without it cannot live with is named here; whoever
 * migrates leaves its number in the database, where any user of it may read it: as a comment on a table, since a table
 * of its own could not be read by releases that know of none. A node that lacks that migration asks the database for
 * nothing else, and is not ready.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

const journalSchema = z.object({ entries: z.array(z.object({ idx: z.int() })).min(1) })
const journal = new URL('../../migrations/meta/_journal.json', import.meta.url)

/** The last migration of this release. */
export const KNOWN_MIGRATION: number = Math.max(
  ...journalSchema.parse(JSON.parse(readFileSync(journal, 'utf8'))).entries.map(({ idx }) => idx),
)

/** Text that streams has a tail of its own since: who does not know of it reads less, and overwrites it. */
export const LEAST_MIGRATION = 12

export const commentOf = (leastMigration: number): string =>
  `least migration ${leastMigration}: releases without it must not use this database`

export const leastMigrationIn = (comment: string | null): number =>
  Number(/^least migration (\d+)/.exec(comment ?? '')?.[1] ?? 0)
