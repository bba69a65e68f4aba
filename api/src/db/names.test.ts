import { getTableColumns, getTableName, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as schema from './schema.ts'

const tables = Object.values<PgTable>(schema).filter((one) => is(one, PgTable))
const tableNames = tables.map((table) => getTableName(table))
/** Those that cannot be taken for a word or a key. */
const columnNames = tables.flatMap((table) =>
  Object.entries(getTableColumns(table)).flatMap(([key, { name }]) => (name === key ? [] : [name])),
)
const byHand = new RegExp(
  `\\b(?:from|join|into|update|using) (?:${tableNames.join('|')})\\b|\\b(?:${columnNames.join('|')})\\b`,
)

const folder = new URL('.', import.meta.url)
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'schema.ts',
)

test('A102 what is looked for is found where it is', () => {
  expect(readFileSync(new URL('schema.ts', folder), 'utf8')).toMatch(byHand)
  expect('select b.id from beings b').toMatch(byHand)
  expect('order by removed_at').toMatch(byHand)
  expect(sources.length).toBeGreaterThan(15)
})

test.each(sources)('A102 %s takes every name of the database from the schema', (file) => {
  const code = readFileSync(new URL(file, folder), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
  expect(code).not.toMatch(byHand)
})
