/** A page that is nothing but the client library, for tests to be its app. Resolves with the folder it is in. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory, repository } from '@rhizom/infra/local/places.ts'
import { rolldown } from 'rolldown'

const SCRIPT = `
  import * as client from '@rhizom/client'
  import { askForSession } from '${join(repository, 'client', 'src', 'session', 'ask-for-session.ts')}'
  window.rhizom = { ...client, askForSession }
`
const PAGE = '<!doctype html><title>An app</title><script type="module" src="/app.js"></script>\n'

export async function bundlePage(): Promise<string> {
  const folder = join(cacheDirectory, 'bundled-page')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'index.html'), PAGE)
  const entry = 'app'
  const build = await rolldown({
    input: { app: entry },
    cwd: join(repository, 'web'),
    platform: 'browser',
    transform: { target: 'es2022', define: { 'process.env.NODE_ENV': '"production"' } },
    plugins: [
      {
        name: 'app',
        resolveId: (id) => (id === entry ? join(repository, 'web', 'app.js') : null),
        load: (id) => (id === join(repository, 'web', 'app.js') ? SCRIPT : null),
      },
    ],
  })
  await build.write({ dir: folder, format: 'es', entryFileNames: '[name].js' })
  await build.close()
  return folder
}
