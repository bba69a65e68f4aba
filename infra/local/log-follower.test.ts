import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { beginLog, followLog, linesMatching, pinoErrors } from './log-follower.ts'
import { calmly, table } from './screen.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rhizom-log-'))
  file = join(folder, 'logs', 'api-1.log')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('I14 a log begins anew and the former is kept beside it', () => {
  beginLog(file)
  appendFileSync(file, 'monday\n')
  beginLog(file)
  expect(readFileSync(file, 'utf8')).toBe('')
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('monday\n')
})

test('I14 one that grows past its bound is moved aside, and what comes after is still read', () => {
  beginLog(file)
  const shown: string[] = []
  const follower = followLog(file, linesMatching(/seen/), (text) => shown.push(text))
  appendFileSync(file, `${'x'.repeat(1023)}\n`.repeat(33 * 1024))
  follower.read()
  expect(statSync(file).size).toBe(0)
  expect(existsSync(`${file}.1`)).toBe(true)
  appendFileSync(file, 'seen\n')
  follower.read()
  expect(shown).toEqual(['seen'])
})

test('I15 a line is shown once it is whole, and once', () => {
  beginLog(file)
  const shown: string[] = []
  const follower = followLog(file, linesMatching(/error/), (text) => shown.push(text))
  appendFileSync(file, 'fine\nan err')
  follower.read()
  expect(shown).toEqual([])
  appendFileSync(file, 'or\nfine')
  follower.read()
  follower.read()
  expect(shown).toEqual(['an error'])
})

test.each([
  ['{"level":30,"msg":"listening"}', undefined],
  ['{"level":40,"msg":"slow"}', undefined],
  ['{"level":50,"msg":"request failed","err":{"message":"no database"}}', 'request failed: no database'],
  ['{"level":60,"msg":"giving up"}', 'giving up'],
  ['Error: cannot find module', 'Error: cannot find module'],
  ['    at main.ts:1:1', undefined],
  ['{"half', undefined],
])('I15 of %s the screen shows %j', (line, shown) => {
  expect(pinoErrors(line)).toBe(shown)
})

test('I15 a few lines at a time, the rest is counted', () => {
  const shown: string[] = []
  let now = 0
  const show = calmly(
    (text) => shown.push(text),
    () => now,
  )
  for (let index = 0; index < 12; index += 1) show(`line ${index}`)
  expect(shown).toEqual(['line 0', 'line 1', 'line 2', 'line 3', 'line 4'])
  now = 60_000
  show('later')
  expect(shown.slice(5)).toEqual(['7 more lines like these are in the log', 'later'])
})

test('I24 the table has columns of one width', () => {
  expect(
    table([
      ['web', 'http://x'],
      ['gateway-1', 'y', 'pid 1'],
    ]),
  ).toBe('web        http://x\ngateway-1  y         pid 1')
})
