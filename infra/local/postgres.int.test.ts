/** Real servers, each in a folder of its own; the shared ones of the tests are left alone. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, expect, test } from 'vitest'
import { type Binaries, findBinaries } from './postgres-cluster.ts'
import { askPostgres, ensureDatabase, FORGETFUL, type PostgresOptions, startPostgres } from './postgres.ts'
import { lookUpProcess } from './process-facts.ts'
import { askRedis, startRedis } from './redis.ts'
import { findRedis } from './redis-binary.ts'
import type { Service } from './service.ts'
import { findDisguise } from './unprivileged.ts'
import { until } from './until.ts'

const root = mkdtempSync(join(tmpdir(), 'rhizom services '))
const started: Service[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((service) => service.stop('SIGKILL')))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function start(options: PostgresOptions): Promise<Service> {
  const service = await startPostgres({ settings: FORGETFUL, ...options })
  started.push(service)
  return service
}

async function query(url: string, text: string): Promise<unknown[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    return await sql.unsafe(text)
  } finally {
    await sql.end()
  }
}

test('I16 it starts on an empty folder that is closed to others, and its password too', async () => {
  const directory = join(root, 'closed')
  mkdirSync(directory)
  chmodSync(directory, 0o700)
  const { url, port } = await start({ directory, database: 'rhizom' })
  expect(await query(url, 'show server_encoding')).toEqual([{ server_encoding: 'UTF8' }])
  expect(await query(url, 'show max_connections')).toEqual([{ max_connections: '200' }])
  expect(statSync(join(directory, 'password')).mode & 0o777).toBe(0o600)
  await expect(askPostgres(`postgres://postgres:wrong@127.0.0.1:${port}/rhizom`)).rejects.toThrow('password')
  await ensureDatabase(url)
})

test('I16 what was written is there after a stop and after a kill, on the same port', async () => {
  const directory = join(root, 'kept')
  const first = await start({ directory, database: 'rhizom' })
  await query(first.url, 'create table kept (word text); insert into kept values (1)')
  expect(await first.stop()).toEqual({ code: 0, signal: null })
  const second = await start({ directory, database: 'rhizom', port: first.port })
  expect(second.url).toBe(first.url)
  await query(second.url, 'insert into kept values (2)')
  await second.stop('SIGKILL')
  const third = await start({ directory, database: 'rhizom', port: first.port })
  expect(await query(third.url, 'select word from kept')).toEqual([{ word: '1' }, { word: '2' }])
})

const asRoot = process.getuid?.() === 0 && process.platform === 'linux'
test.runIf(asRoot).each(['user-namespace', 'nobody'] as const)('I16 root runs it as %s', async (disguise) => {
  // A machine that refuses one of the two ways has the other.
  if (findDisguise({ only: disguise }) === undefined) return expect(findDisguise()).toBeDefined()
  const { url } = await start({ directory: join(root, disguise), disguise })
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
})

/** The programs below a folder that only its owner may pass, as in a clone below root's home. */
async function closedBinaries(): Promise<Binaries> {
  const { postgres } = await findBinaries()
  const closed = join(root, 'closed to others')
  if (!existsSync(closed))
    cpSync(dirname(dirname(postgres)), join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
  chmodSync(closed, 0o700)
  return { initdb: join(closed, 'native/bin/initdb'), postgres: join(closed, 'native/bin/postgres') }
}

test.runIf(asRoot)(
  'I38 as nobody it runs from below a folder that is closed to everybody else, with its data there',
  async () => {
    const binaries = await closedBinaries()
    const directory = join(root, 'closed to others', 'data')
    const { url, pid } = await start({ directory, disguise: 'nobody', binaries, database: 'rhizom' })
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(statSync(`/proc/${pid}`).uid).toBe(65_534)
    expect(await query(url, 'show data_directory')).toEqual([{ data_directory: join(directory, 'data') }])
  },
)

test.runIf(asRoot)('I38 nobody ends with the process that started it, also when that is killed', async () => {
  const binaries = await closedBinaries()
  const options = { directory: join(root, 'killed'), disguise: 'nobody', binaries, settings: FORGETFUL }
  const source = `const { startPostgres } = await import(${JSON.stringify(new URL('postgres.ts', import.meta.url).href)})
    process.stdout.write(String((await startPostgres(${JSON.stringify(options)})).pid) + '\\n'); setInterval(() => {}, 1000)`
  const starter = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(starter.stdout, 'data')) as [Buffer]
  const pid = Number(said.toString())
  expect(lookUpProcess(pid)?.command).toContain('native/bin/postgres')
  starter.kill('SIGKILL')
  expect(await until(() => lookUpProcess(pid) === undefined, { withinMs: 10_000 })).toBe(true)
})

test.runIf(asRoot)('I38 in the closed folder of another user the way is taken that passes it', async () => {
  const directory = join(root, 'of somebody')
  mkdirSync(directory, { mode: 0o700 })
  chownSync(directory, 4_711, 4_711)
  const { url } = await start({ directory: join(directory, 'state') })
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(findDisguise({ probe: { file: 'false', args: [] } })).toBeUndefined()
})

test('I17 a pid file that names a process of somebody else does not matter', async () => {
  const directory = join(root, 'stale')
  const first = await start({ directory })
  await first.stop('SIGKILL')
  const pidFile = join(directory, 'data', 'postmaster.pid')
  const stranger = spawn('sleep', ['1000'])
  writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(stranger.pid)))
  const second = await start({ directory, port: first.port })
  expect(await askPostgres(second.url)).toMatch(/^\d+/)
  expect(lookUpProcess(stranger.pid ?? 0)).toBeDefined()
  stranger.kill('SIGKILL')
})

test('I17 a server that outlived its launcher is ended and its data taken over', async () => {
  const directory = join(root, 'orphan')
  const first = await start({ directory, database: 'rhizom' })
  await query(first.url, 'create table kept as select 7 as word')
  const second = await start({ directory, database: 'rhizom', port: first.port })
  expect(lookUpProcess(first.pid)).toBeUndefined()
  expect(await query(second.url, 'select word from kept')).toEqual([{ word: 7 }])
})

test('I19 Redis is started, killed and started again on its port, empty', async () => {
  const directory = join(root, 'redis')
  const first = await startRedis({ directory })
  started.push(first)
  expect(await askRedis(first.url)).toMatch(/^[7-9]\./)
  await first.stop('SIGKILL')
  await expect(askRedis(first.url)).rejects.toThrow('ECONNREFUSED')
  const second = await startRedis({ directory, port: first.port })
  started.push(second)
  expect(second.url).toBe(first.url)
  expect(await askRedis(second.url)).toMatch(/^[7-9]\./)
})

function fakeServer(folder: string, name: string, version: string): string {
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, folder, name), `#!/bin/sh\necho "Server v=${version} sha=0"\n`, { mode: 0o755 })
  return join(root, folder)
}
const search = (path: string) => ({ cacheDirectory: join(root, 'none'), logFile: join(root, 'fetch.log'), path })

test('I18 the first of version 7 or later on PATH is taken', async () => {
  const path = [
    fakeServer('old', 'redis-server', '6.2.14'),
    join(root, 'nowhere'),
    fakeServer('valkey', 'valkey-server', '8.1.0'),
    fakeServer('new', 'redis-server', '7.4.1'),
  ].join(':')
  expect(await findRedis(search(path))).toMatchObject({ file: join(root, 'valkey', 'valkey-server'), version: '8.1.0' })
})

test('I18 without one, and without the means to fetch one, the error names the ways out', async () => {
  const programs = process.env['PATH']
  process.env['PATH'] = join(root, 'nowhere')
  try {
    await expect(findRedis(search(''))).rejects.toThrow(/PATH[\s\S]*REDIS_URL[\s\S]*Debian/)
  } finally {
    process.env['PATH'] = programs
  }
})
