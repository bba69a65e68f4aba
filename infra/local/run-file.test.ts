import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readRunFile, removeRunFile, type Run, writeRunFile } from './run-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'rhizom-run-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run: Run = {
  web: 'http://127.0.0.1:5173',
  api: ['http://127.0.0.1:7001'],
  gateways: ['http://127.0.0.1:7101', 'http://127.0.0.1:7102'],
  internal: ['http://127.0.0.1:8001', 'http://127.0.0.1:8101', 'http://127.0.0.1:8102'],
  databaseUrl: 'postgres://postgres:secret@127.0.0.1:7432/rhizom',
  redisUrl: 'redis://127.0.0.1:7379',
  processes: { 'api-1': 11, 'gateway-1': 12 },
  launcher: 10,
}

test('I10 it is read back as written, by its owner only, and nothing else is left beside it', () => {
  const file = join(folder, 'run.json')
  writeRunFile(file, { ...run, launcher: 9 })
  writeRunFile(file, run)
  expect(readRunFile(file)).toEqual(run)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['run.json'])
  removeRunFile(file)
  removeRunFile(file)
  expect(readRunFile(file)).toBeUndefined()
})

test.each(['', '{', '[]', '{"web":"x"}'])('I10 a file that holds %j is not believed', (text) => {
  const file = join(folder, 'broken.json')
  writeFileSync(file, text)
  expect(readRunFile(file)).toBeUndefined()
})
