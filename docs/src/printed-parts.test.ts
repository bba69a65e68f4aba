import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { PARTS, withPrintedParts } from './printed-parts.ts'
import { settingsTable } from './settings-table.ts'

const root = new URL('../..', import.meta.url)
const readme = readFileSync(new URL('README.md', root), 'utf8')

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

test('every file and folder that the README links to exists', () => {
  const targets = [...readme.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '')
  const local = targets.filter((target) => !/^https?:/.test(target))
  expect(local.length).toBeGreaterThan(8)
  expect(local.filter((target) => !existsSync(new URL(target, root)))).toEqual([])
})

test('every npm script that the documents name exists', () => {
  const scripts = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))).scripts
  const contributing = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8')
  const named = [...`${readme}\n${contributing}`.matchAll(/(?:`|^)npm (?:run )?([a-z]+)/gm)].map(
    (match) => match[1] ?? '',
  )
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
})
