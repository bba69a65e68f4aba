import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStateFolder } from './state-folder.ts'

let root = ''
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'rhizom state '))))
afterEach(() => rmSync(root, { recursive: true, force: true }))

const modeOf = (path: string): string => (statSync(join(root, path)).mode & 0o777).toString(8)

function put(path: string, mode: number): void {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, 'x')
  chmodSync(file, mode)
}

test('I34 a new folder is closed to others, and the folders above it too', () => {
  expect(openStateFolder(join(root, 'new/er'))).toEqual({ ok: true, notice: undefined })
  expect([modeOf('new'), modeOf('new/er')]).toEqual(['700', '700'])
})

test("I34 one that was there with wider rights is closed, with all that is the system's in it", () => {
  const files = [
    'secrets.json',
    'seed.json',
    'run.json',
    'run.json.17',
    'start.lock',
    'postgres/password',
    'logs/api-1.log.1',
  ]
  for (const file of files) put(join('state', file), 0o644)
  put('state/redis/dump.rdb', 0o755)
  put('state/cache/redis/root/usr/bin/redis-server', 0o755)
  put('state/postgres/data/PG_VERSION', 0o640)
  for (const folder of ['', 'logs', 'postgres', 'redis', 'cache']) chmodSync(join(root, 'state', folder), 0o777)
  expect(openStateFolder(join(root, 'state'))).toEqual({ ok: true, notice: undefined })
  for (const folder of ['', 'logs', 'postgres', 'redis', 'cache']) expect(modeOf(join('state', folder))).toBe('700')
  for (const file of files) expect(modeOf(join('state', file))).toBe('600')
  // Nobody else comes this far, and these stay as whoever made them needs them.
  expect(modeOf('state/cache/redis/root/usr/bin/redis-server')).toBe('755')
  expect(modeOf('state/postgres/data/PG_VERSION')).toBe('640')
})

test("I34 a folder that holds other things keeps its rights, and what is the system's in it is closed", () => {
  put('shared/of-somebody', 0o644)
  put('shared/secrets.json', 0o644)
  put('shared/logs/api-1.log', 0o644)
  chmodSync(join(root, 'shared'), 0o1777)
  expect(openStateFolder(join(root, 'shared'))).toMatchObject({
    ok: true,
    notice: expect.stringContaining('RHIZOM_LOCAL_DIR'),
  })
  expect(statSync(join(root, 'shared')).mode & 0o7777).toBe(0o1777)
  expect([modeOf('shared/of-somebody'), modeOf('shared/secrets.json'), modeOf('shared/logs')]).toEqual([
    '644',
    '600',
    '700',
  ])
  expect(modeOf('shared/logs/api-1.log')).toBe('600')
})

test('I34 what a link in it points to is left alone', () => {
  put('elsewhere/kept.log', 0o644)
  chmodSync(join(root, 'elsewhere'), 0o755)
  mkdirSync(join(root, 'state'))
  symlinkSync(join(root, 'elsewhere'), join(root, 'state/logs'))
  expect(openStateFolder(join(root, 'state')).ok).toBe(true)
  expect([modeOf('elsewhere'), modeOf('elsewhere/kept.log'), modeOf('state')]).toEqual(['755', '644', '700'])
})

test.each(['a-file', 'a-file/below', '/dev/null/x'])('I34 %s is refused in a line that names the variable', (path) => {
  put('a-file', 0o600)
  const answer = openStateFolder(path.startsWith('/') ? path : join(root, path))
  expect(answer).toMatchObject({ ok: false, problem: expect.stringMatching(/^RHIZOM_LOCAL_DIR: [^\n]*file[^\n]*$/) })
})

test('I34 a folder that cannot be written to is refused in a line that names the variable', () => {
  // Not even root makes a folder there.
  const closed = existsSync('/proc/self') ? '/proc/self/rhizom' : '/rhizom'
  const answer = openStateFolder(closed)
  expect(answer).toMatchObject({ ok: false, problem: expect.stringMatching(/^RHIZOM_LOCAL_DIR: [^\n]*$/) })
})
