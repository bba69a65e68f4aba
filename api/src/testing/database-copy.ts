/**
 * A database with this release's tables, copied from one that the test run has made (TEST_DATABASE_TEMPLATE, on the
 * server that TEST_DATABASE_URL names): quicker than to migrate each anew. It is an installation of its own still.
 */
import postgres from 'postgres'

/** Makes the database unless there is nothing to copy; resolves with whether it did. */
export async function copyDatabase(admin: postgres.Sql, url: URL): Promise<boolean> {
  const { TEST_DATABASE_URL: server, TEST_DATABASE_TEMPLATE: template } = process.env
  if (server === undefined || template === undefined || new URL(server).host !== url.host) return false
  await admin`create database ${admin(url.pathname.slice(1))} template ${admin(template)}`
  const sql = postgres(url.href, { max: 1 })
  try {
    await sql`update installation set id = gen_random_uuid()`
  } finally {
    await sql.end()
  }
  return true
}
