/** Gives a database its tables as an operator does: by the api's own program, as a process. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { repository } from '@rhizom/infra/local/places.ts'
import { nodeStart } from '@rhizom/kit/node-start.ts'

export async function migrate(databaseUrl: string): Promise<void> {
  const child = spawn(process.execPath, [join(repository, 'api/src/migrate.ts')], {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: databaseUrl, ...nodeStart() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [said, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0) throw new Error(`the migration failed with ${code}: ${said}${complaint}`)
}
