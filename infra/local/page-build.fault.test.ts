/** The page, built by the real builder from this repository and from a copy of its sources. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPage, digestOf, SOURCES } from './page-build.ts'
import { repository } from './places.ts'

const folder = mkdtempSync(join(tmpdir(), 'rhizom page '))
const root = join(folder, 'copy')
const logFile = join(folder, 'build.log')
const directory = (name: string): string => join(folder, name)

beforeAll(() => {
  const filter = (path: string): boolean => !/\/(node_modules|dist)$/.test(path)
  for (const name of SOURCES) {
    cpSync(join(repository, name), join(root, name), { recursive: true, filter })
    const packages = join(repository, name, 'node_modules')
    if (existsSync(packages)) symlinkSync(packages, join(root, name, 'node_modules'))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const indexOf = (page: string): string => readFileSync(join(page, 'index.html'), 'utf8')

test('I35 the page is built once, whole, and the next start has it at once', async () => {
  const said: string[] = []
  const options = { directory: directory('builds'), logFile, say: (line: string) => said.push(line) }
  const first = await buildPage(options)
  expect(first.made).toBe('now')
  expect(said).toHaveLength(1)
  const assets = [...indexOf(first.directory).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(
    ([, path = '']) => path,
  )
  expect(assets.length).toBeGreaterThan(1)
  for (const path of assets) expect(existsSync(join(first.directory, path))).toBe(true)
  expect(await buildPage(options)).toEqual({ directory: first.directory, made: 'before' })
  expect(said).toHaveLength(1)
  expect(readdirSync(directory('builds'))).toHaveLength(1)
})

test('I35 two who build at once get the same, and leave nothing half', async () => {
  const options = { directory: directory('twice'), logFile }
  const [one, other] = await Promise.all([buildPage(options), buildPage(options)])
  expect(one.directory).toBe(other.directory)
  expect(indexOf(one.directory)).toContain('<div id="root">')
  expect(readdirSync(directory('twice'))).toHaveLength(1)
})

test('I35 sources that cannot be built are an error that names the log, and leave nothing behind', async () => {
  const main = join(root, 'web/src/main.tsx')
  const sound = readFileSync(main, 'utf8')
  appendFileSync(main, '\nimport "./not-there.ts"\n')
  const options = { directory: directory('broken'), logFile, root }
  await expect(buildPage(options)).rejects.toThrow(logFile)
  expect(readFileSync(logFile, 'utf8')).toContain('not-there.ts')
  expect(readdirSync(directory('broken'))).toEqual([])
  writeFileSync(main, sound)
  expect((await buildPage(options)).made).toBe('now')
})

test('I35 builds that nobody used for a week are gone, also halves, and no other', async () => {
  const options = { directory: directory('old'), logFile, root }
  const { directory: current } = await buildPage(options)
  const [used, unused, half] = ['used', 'unused', 'unused.4711'].map((name) => join(options.directory, name))
  for (const path of [used, unused, half]) cpSync(current, path ?? '', { recursive: true })
  const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000)
  utimesSync(used ?? '', daysAgo(6), daysAgo(6))
  for (const path of [unused, half, current]) utimesSync(path ?? '', daysAgo(8), daysAgo(8))
  expect(await buildPage(options)).toEqual({ directory: current, made: 'before' })
  const left = [current, used].map((path) => basename(path ?? ''))
  expect(readdirSync(options.directory)).toHaveLength(2)
  expect(readdirSync(options.directory)).toEqual(expect.arrayContaining(left))
  expect(statSync(current).mtimeMs).toBeGreaterThan(daysAgo(1).getTime())
})

test.each([
  ...['web/src/app.tsx', 'web/index.html', 'web/public/icon.svg', 'web/vite.config.ts', 'client/src/index.ts'],
  ...['protocol/src/limits.ts', 'machine/src/runner.ts', 'pnpm-lock.yaml', 'client/package.json'],
])('I35 a change of %s is another page, and undone it is the same again', (path) => {
  const before = digestOf(root)
  const file = join(root, path)
  const sound = readFileSync(file)
  appendFileSync(file, ' ')
  expect(digestOf(root)).not.toBe(before)
  writeFileSync(file, sound)
  expect(digestOf(root)).toBe(before)
})

test('I35 equal sources elsewhere are the same page, whatever their tests say', () => {
  expect(digestOf(root)).toBe(digestOf(repository))
  appendFileSync(join(root, 'web/src/route.test.ts'), ' ')
  expect(digestOf(root)).toBe(digestOf(repository))
})
