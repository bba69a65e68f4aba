/** The id of this installation, which its database was given when its tables were made. */
import postgres from 'postgres'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { installation } from '../schema.ts'

const NO_SUCH_TABLE = '42P01'
const i = namesOf(installation)

/** Nothing while the tables are not there; in that case the connection can still be used. */
export async function readInstallation(sql: Sql): Promise<string | undefined> {
  try {
    const [row] = await sql<{ id: string }[]>`select ${i.id} as id from ${i.as}`
    return row?.id
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.code === NO_SUCH_TABLE) return undefined
    throw error
  }
}
