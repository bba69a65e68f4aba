/**
 * Every file that must stay on this machine, asked for through every port of a running `npm start`, in each way that a
 * server is known to have fallen for: none gives a byte of one.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cacheDirectory, repository } from './places.ts'
import { readRunFile, type Run } from './run-file.ts'
import { keepSecrets } from './secrets.ts'
import { localStart } from './testing/local-start.ts'

/** Within the repository, as the usual one is. */
const folder = join(repository, '.local', `test-${process.pid}`)
const { runFile, start, up, clear } = localStart({}, folder)
const agent = new Agent({ keepAlive: true, maxSockets: 8 })
let run: Run
/** The only thing that an address may be answered with, and on the page's port alone. */
let page = ''
beforeAll(async () => {
  run = await up(start())
  page = (await get(run.web, '/')).body
})
afterAll(async () => {
  agent.destroy()
  await clear()
})

interface Answer {
  status: number
  body: string
}

/** With the path as it stands; a client would put it into its plain form. */
function get(base: string, path: string): Promise<Answer> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, agent, headers: { accept: '*/*' } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('latin1') }),
      )
    })
    asked.on('error', (error: NodeJS.ErrnoException) => {
      // A connection that was kept may be closed at the other end just as it is used again; then it is asked anew.
      if (asked.reusedSocket && error.code === 'ECONNRESET') resolve(get(base, path))
      else reject(error)
    })
    asked.end()
  })
}

function filesUnder(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path]
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)))
}

/** The ways that reach a file where a server takes a path from its root, from a folder, or twice decoded. */
function waysTo(file: string): string[] {
  const served = join(cacheDirectory, 'page', 'x')
  const [here, up] = [relative(repository, file), relative(served, file)]
  const dots = '../'.repeat(12)
  const absolute = file.slice(1)
  return [
    ...[`/@fs${file}`, `/@fs/${file}`, `/@fs${file}?raw`, `/@fs${file}?import&raw`, `/@id${file}`, file, `/${file}`],
    ...[`/${here}`, `/${relative(folder, file)}`, `/../${here}`, `/../../${here}`, `/${up}`, `/assets/../${up}`],
    ...[`/${dots}${absolute}`, `/assets/${dots}${absolute}`, `/v1/${dots}${absolute}`, `/v1/sync/${dots}${absolute}`],
    ...[`/%2e%2e/${here}`, `/${up.replaceAll('..', '%2e%2e')}`, `/assets/${dots.replaceAll('.', '%2E')}${absolute}`],
    ...[`/${dots.replaceAll('/', '%2f')}${absolute}`, `/assets/${dots.replaceAll('/', '%5c')}${absolute}`],
    ...[`/${dots.replaceAll('.', '%252e')}${absolute}`, `/${dots.replaceAll('/', '%252f')}${absolute}`],
    ...[`/..\\..\\${here.replaceAll('/', '\\')}`, `/....//....//${here}`, `/.%00/${here}`, `/${here}%00.js`],
    ...[`/__open-in-editor?file=${file}`, `/file://${file}`, `file://${file}`],
  ].map((path) => path.replaceAll(' ', '%20'))
}

/** To each of the thousand of the database one way, of another kind than to the one before. */
const KINDS_OF_WAY = [0, 8, 13]
let waysTaken = 0
const oneWayTo = (file: string): string[] => {
  const kind = KINDS_OF_WAY[waysTaken++ % KINDS_OF_WAY.length]
  return waysTo(file).filter((_way, index) => index === kind)
}

const isOfDatabase = (file: string): boolean => file.startsWith(join(folder, 'postgres/data/'))

/** What of a file would be recognised in an answer; of one that the database has removed meanwhile, nothing. */
function contentOf(file: string): string {
  if (!existsSync(file)) return ''
  const content = readFileSync(file, 'latin1').trim()
  return content.length < 8 ? '' : content.slice(0, 64)
}

async function leaksOf(file: string): Promise<string[]> {
  const content = contentOf(file)
  const secrets = [...Object.values(keepSecrets(join(folder, 'secrets.json'))), new URL(run.databaseUrl).password]
  const leaks: string[] = []
  const ask = async (base: string, path: string): Promise<void> => {
    const { status, body } = await get(base, path)
    const isPage = base === run.web && status === 200 && body === page
    // The gateways' own way to refuse what is no request of this version.
    const isRefused =
      (status >= 400 && status < 500) || ([...run.gateways, ...run.internal].includes(base) && status === 505)
    const gives = [content, ...secrets].some((text) => text !== '' && body.includes(text))
    if (gives || !(isPage || isRefused)) leaks.push(`${status} ${base}${path}`)
  }
  const ways = isOfDatabase(file) ? oneWayTo(file) : waysTo(file)
  const ports = [run.web, ...run.api, ...run.gateways, ...run.internal]
  await Promise.all(ports.flatMap((base) => ways.map((path) => ask(base, path))))
  return leaks
}

async function leaks(files: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const file of files) found.push(...(await leaksOf(file)))
  return found
}

test('I36 no port gives a file of the state folder', async () => {
  const files = filesUnder(folder)
  for (const name of ['secrets.json', 'run.json', 'seed.json', 'postgres/password', 'logs/api-1.log'])
    expect(files).toContain(join(folder, name))
  expect(await leaks(files)).toEqual([])
  expect(readRunFile(runFile)).toEqual(run)
})

test('I36 no port gives a file of the repository', async () => {
  const beside = [
    ...['.git/config', '.git/HEAD', '.local/secrets.json', 'node_modules/.pnpm/lock.yaml'],
    ...['infra/docker/secrets.env.example', 'web/vite.config.ts', 'web/server/main.ts', 'web/src/main.tsx'],
  ]
  const files = [...readdirSync(repository), ...beside].map((name) => join(repository, name))
  expect(files).toContain(join(repository, 'package.json'))
  expect(await leaks(files.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile()))).toEqual([])
})

test('I36 no port gives what the api and the gateways tell each other and their operators, but their own', async () => {
  const asked = ['/metrics', '/internal/spaces/@lobby', '/readyz', '/openapi.json']
  for (const path of asked) {
    for (const prefix of [
      '/v1/..',
      '/v1/%2e%2e',
      '/v1/.%2E',
      '/v1/sync/../..',
      '/v1/x/..%2f..',
      '/v1\\..',
      '//v1/..',
      '/x/..',
    ])
      expect((await get(run.web, `${prefix}${path}`)).status, `${prefix}${path}`).toBe(400)
    const { status, body } = await get(run.web, path)
    expect(status === 404 || body === page, path).toBe(true)
  }
})
