/**
 * Begins a new history for every space: `node api/src/new-epochs.ts`, to be run after a dump was restored into a
 * server that goes on. Clients get a snapshot; nothing of the data changes. Running it needlessly costs just that.
 */
import { settings } from './config.ts'
import { connect } from './db/database.ts'
import { beginNewEpochs } from './db/write/lineage.ts'

const url = settings.DATABASE_URL.schema.safeParse(process.env['DATABASE_URL'] ?? '')
if (!url.success) {
  process.stderr.write(`DATABASE_URL is not valid: ${url.error.issues[0]?.message ?? 'not understood'}\n`)
  process.exit(1)
}
const connection = await connect({ url: url.data, deadlineMs: 60_000, name: 'rhizom-new-epochs' })
const spaces = await beginNewEpochs(connection.sql)
connection.drop()
process.stdout.write(`${JSON.stringify({ msg: 'new epochs', spaces })}\n`)
