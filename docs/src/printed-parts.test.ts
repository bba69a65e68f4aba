import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { PARTS, withPrintedParts } from './printed-parts.ts'
import { settingsTable } from './settings-table.ts'

const root = new URL('../..', import.meta.url)

test.each(Object.keys(PARTS))('%s prints what the code has (node docs/src/print.ts rewrites it)', async (document) => {
  const text = readFileSync(new URL(document, root), 'utf8')
  expect(await withPrintedParts(document, text)).toBe(text)
})

test('a changed table shows', async () => {
  const text = readFileSync(new URL('protocol/SPEC.md', root), 'utf8')
  expect(await withPrintedParts('protocol/SPEC.md', text.replace('| 4003 |', '| 4999 |'))).toBe(text)
  await expect(withPrintedParts('README.md', 'no markers')).rejects.toThrow('settings')
})

test('a changed setting changes the table', () => {
  const setting = { schema: z.string(), description: 'What it is | does', default: '5' }
  const table = settingsTable({ LIMIT: setting, SECRET: { schema: z.string(), description: 'x' } })
  expect(table).toContain('| `LIMIT` | `5` | What it is \\| does |')
  expect(table).toContain('| `SECRET` | **required** | x |')
  expect(settingsTable({ LIMIT: { ...setting, default: '6' } })).not.toBe(settingsTable({ LIMIT: setting }))
})

const documents = globSync('**/*.md', {
  cwd: root,
  exclude: (path) => /(^|[\\/])(node_modules|\.local)$/.test(path),
})

test.each(documents)('every file and folder that %s links to exists', (document) => {
  const at = new URL(document, root)
  const targets = [...readFileSync(at, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
    ([, target]) => target ?? '',
  )
  const local = targets.filter((target) => !/^https?:/.test(target))
  expect(local.filter((target) => !existsSync(new URL(target, at)))).toEqual([])
})

test('each word of the glossary stands once in it, and in the file it names', () => {
  const at = new URL('CONTRIBUTING.md', root)
  const [, glossary = ''] = /glossary:begin -->(.*)<!-- glossary:end/s.exec(readFileSync(at, 'utf8')) ?? []
  const rows = [...glossary.matchAll(/^\| \*\*(.+?)\*\* \|.*\]\((.+)\) \|$/gm)]
  const words = rows.map(([, word = '']) => word)
  expect(words.length).toBeGreaterThan(35)
  expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([])
  // `boot id` in words is `bootId` in names, and `fan-out` in names of files.
  const isIn = (word: string, text: string): boolean => new RegExp(word.replace(' ', '[ -]?'), 'i').test(text)
  const absent = rows.filter(([, word = '', file = '']) => !isIn(word, readFileSync(new URL(file, at), 'utf8')))
  expect(absent.map(([, word, file]) => `${word}: ${file}`)).toEqual([])
})

test('every npm script that the documents name exists', () => {
  const scripts = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))).scripts
  const readme = readFileSync(new URL('README.md', root), 'utf8')
  const contributing = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8')
  const named = [...`${readme}\n${contributing}`.matchAll(/(?:`|^)npm (?:run )?([a-z]+)/gm)].map(
    (match) => match[1] ?? '',
  )
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
})
