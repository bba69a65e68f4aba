/** The development server as it is configured, on a port of its own: what it serves, and what it does not. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sendRaw, statusOf } from '../server/testing/stage.ts'

const web = join(import.meta.dirname, '..')
const repository = join(web, '..')
const cacheDir = mkdtempSync(join(tmpdir(), 'rhizom-dev-server-'))
/** Like the state folder of `npm start`, and beside it. */
const state = join(repository, '.local', `test-${process.pid}`)
const SECRET = 'a-secret-of-the-state-folder'
let vite: ViteDevServer
let url = ''

async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

beforeAll(async () => {
  mkdirSync(state, { recursive: true, mode: 0o700 })
  for (const name of ['secrets.json', 'code.ts', '.env']) writeFileSync(join(state, name), `"${SECRET}"\n`)
  const port = await freePort()
  vite = await createServer({
    root: web,
    configFile: join(web, 'vite.config.ts'),
    configLoader: 'native',
    cacheDir,
    logLevel: 'silent',
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { port },
  })
  await vite.listen()
  url = `http://127.0.0.1:${port}`
})
afterAll(async () => {
  await vite.close()
  for (const folder of [state, cacheDir]) rmSync(folder, { recursive: true, force: true })
})

const get = (path: string): Promise<string> =>
  sendRaw(url, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAccept: */*\r\n\r\n`).closed

test.each([
  ['/', '<div id="root">'],
  ['/spaces/@lobby', '<div id="root">'],
  ['/src/main.tsx', 'StrictMode'],
  ['/src/style/base.css', '__vite__updateStyle'],
  ['/icon.svg', '<svg'],
  ['/@vite/client', 'HMR'],
  [`/@fs${repository}/client/src/index.ts`, '@rhizom/client'],
  [`/@fs${repository}/protocol/src/index.ts`, '@rhizom/protocol'],
])('W32 it serves %s', async (path, part) => {
  const answer = await get(path.replaceAll(' ', '%20'))
  expect(statusOf(answer)).toBe(200)
  expect(answer).toContain(part)
})

const FORMS = ['', '?raw', '?import&raw', '?url', '?inline', '?import', '?raw??', '?v=1', '?t=1&raw']
const FILES = [
  ...['secrets.json', 'code.ts', '.env'].map((name) => join(state, name)),
  ...['package.json', 'pnpm-lock.yaml', '.git', '.git/config', 'README.md'].map((name) => join(repository, name)),
  ...['api/src/main.ts', 'infra/local/start.ts', 'web/package.json', 'web/vite.config.ts', 'web/server/main.ts'].map(
    (name) => join(repository, name),
  ),
]
const waysTo = (file: string): string[] => {
  const here = relative(repository, file)
  const fromWeb = relative(web, file)
  return [
    ...FORMS.map((form) => `/@fs${file}${form}`),
    ...[file, `/${file}`, `/${here}`, `/${fromWeb}`, `/@id/${here}`, `/@id/__x00__${file}`, `/@fs/${fromWeb}`],
    ...[
      `/src/../../${here}`,
      `/%2e%2e/${here}`,
      `/..%2f${here}`,
      `/%252e%252e/${here}`,
      `/@fs${web}/src/../../${here}`,
    ],
    ...[`/@fs${web}/src/%2e%2e/%2e%2e/${here}`, `/@fs${web}/src/..%2f..%2f${here}?raw`, `/src/..%5c..%5c${here}`],
  ].map((path) => path.replaceAll(' ', '%20'))
}

test.each(FILES)('W32 it does not serve %s', async (file) => {
  const page = await get('/')
  // The longest line of the file: where it is told, it is told whole.
  const lines = existsSync(file) && statSync(file).isFile() ? readFileSync(file, 'utf8').split('\n') : []
  const telling = lines.reduce((longest, line) => (line.length > longest.length ? line : longest), '').trim()
  for (const path of waysTo(file)) {
    const answer = await get(path)
    if (statusOf(answer) === 200) expect(bodyOf(answer), path).toBe(bodyOf(page))
    else expect([400, 403, 404], path).toContain(statusOf(answer))
    if (telling !== '') expect(answer.includes(telling), path).toBe(false)
    expect(answer.includes(SECRET), path).toBe(false)
  }
})

const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n'))

test.each([
  '/__open-in-editor?file=src/main.tsx',
  '/__open-in-editor',
  '/__open-in-editor/?file=x',
  '/__open-in-editor%2f?file=x',
])('W32 it opens no editor for %s', async (path) => {
  expect(statusOf(await get(path))).toBeOneOf([400, 404])
})

test('W32 it passes on what the page server passes on, and refuses what it refuses', async () => {
  expect(await get('/v1/spaces')).toContain('"code":"unavailable"')
  for (const path of ['/v1/../metrics', '/v1/%2e%2e/metrics', '//v1/x', 'http://127.0.0.1/v1/x'])
    expect(statusOf(await get(path))).toBe(400)
})
