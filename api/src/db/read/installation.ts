/** The id of this installation, which its database was given when its tables were made, and who may use it. */
import postgres from 'postgres'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { leastMigrationIn } from '../releases.ts'
import { installation } from '../schema.ts'

const NO_SUCH_TABLE = '42P01'
const i = namesOf(installation)

export interface Installation {
  id: string
  /** What a release must know to use this database. */
  leastMigration: number
}

/** Nothing while the tables are not there; in that case the connection can still be used. */
export async function readInstallation(sql: Sql): Promise<Installation | undefined> {
  try {
    const [row] = await sql<{ id: string; comment: string | null }[]>`
      select ${i.id} as id, obj_description('installation'::regclass, 'pg_class') as comment from ${i.as}`
    return row && { id: row.id, leastMigration: leastMigrationIn(row.comment) }
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.code === NO_SUCH_TABLE) return undefined
    throw error
  }
}
