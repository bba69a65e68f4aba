/**
 * The names of tables and columns for statements that are written in SQL: taken from the schema, where they are said
 * once, as fragments that fit into a statement on any connection. Rows travel to Postgres as one JSON array whose keys
 * are those of the schema, so that a statement is the same for any number of them.
 */
import { getTableColumns, getTableName, type InferSelectModel } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import postgres from 'postgres'
import type { Sql } from './database.ts'

/** Makes fragments. A client of the driver connects with its first question, and this one asks none. */
const fragments = postgres()

type Key<Table extends PgTable> = keyof Table['_']['columns'] & string
export type RowOf<Table extends PgTable, Keys extends readonly (keyof InferSelectModel<Table>)[]> = Pick<
  InferSelectModel<Table>,
  Keys[number]
>

const getKeys = <Table extends PgTable>(table: Table): Key<Table>[] => Object.keys(getTableColumns(table))

function columnOf(table: PgTable, key: string) {
  const column = getTableColumns(table)[key]
  if (column === undefined) throw new Error(`${getTableName(table)} has no column ${key}`)
  return { key: `"${key}"`, name: column.name, type: column.getSQLType() }
}

/** The columns of a table by their keys, and in `as` what stands behind `from`, `join`, `update` and `into`. */
export type Names<Table extends PgTable> = Readonly<Record<Key<Table> | 'as', postgres.Fragment>>

/** With an alias `s`: `spaces s`, `s.created_at`; without one `spaces`, `created_at`, as one writes what is set. */
export function namesOf<Table extends PgTable>(table: Table, alias?: string): Names<Table>
export function namesOf(table: PgTable, alias?: string): Record<string, postgres.Fragment> {
  const as = alias === undefined ? getTableName(table) : `${getTableName(table)} ${alias}`
  const inTable = alias === undefined ? '' : `${alias}.`
  const names: Record<string, postgres.Fragment> = { as: fragments.unsafe(as) }
  for (const key of getKeys(table)) names[key] = fragments.unsafe(`${inTable}${columnOf(table, key).name}`)
  return names
}

/** `s.id, s.created_at as "createdAt"`, as one writes it behind `select`. */
export const selectedFrom = <Table extends PgTable>(table: Table, alias: string, keys: readonly Key<Table>[]) =>
  fragments.unsafe(
    keys
      .map((key) => columnOf(table, key))
      .map(({ key, name }) => `${alias}.${name} as ${key}`)
      .join(', '),
  )

/** The rows as a table `v` of these columns. */
function recordOf<Table extends PgTable>(table: Table, keys: readonly Key<Table>[]): string {
  return `v(${keys
    .map((key) => columnOf(table, key))
    .map(({ key, type }) => `${key} ${type}`)
    .join(', ')})`
}

type Rows = readonly postgres.JSONValue[]
type Statement = postgres.PendingQuery<postgres.Row[]>

/** Inserts rows in the order of `by`, so that two transactions which insert the same keys never wait in a circle. */
export function insertInto<Table extends PgTable>(
  table: Table,
  by: readonly Key<Table>[],
  others: readonly Key<Table>[],
): (sql: Sql, rows: Rows) => Statement {
  const columns = [...by, ...others].map((key) => columnOf(table, key))
  const names = columns.map(({ name }) => name).join(', ')
  const keys = columns.map(({ key }) => key).join(', ')
  const into = `insert into ${getTableName(table)} (${names}) select ${keys} from`
  const record = `${recordOf(table, [...by, ...others])} order by ${by.map((key) => `"${key}"`).join(', ')}`
  return (sql, rows) => sql`${sql.unsafe(into)} jsonb_to_recordset(${sql.json(rows)}) as ${sql.unsafe(record)}`
}

/** Updates rows found by `by`. What is not simply set to what a row holds is an expression over that and what is. */
export function updateOf<Table extends PgTable>(
  table: Table,
  by: readonly Key<Table>[],
  others: readonly Key<Table>[],
  expressions?: Readonly<Partial<Record<Key<Table>, (held: string, given: string) => string>>>,
): (sql: Sql, rows: Rows) => Statement {
  const computed = getKeys(table).flatMap((key) => {
    const expression = expressions?.[key]
    if (expression === undefined) return []
    const { name, key: quoted } = columnOf(table, key)
    return [{ key, set: `${name} = ${expression(`t.${name}`, `v.${quoted}`)}` }]
  })
  const set = others.map((key) => columnOf(table, key)).map(({ key, name }) => `${name} = v.${key}`)
  const all = [...set, ...computed.map((one) => one.set)].join(', ')
  const update = `update ${getTableName(table)} t set ${all} from`
  const where = by.map((key) => columnOf(table, key)).map(({ key, name }) => `t.${name} = v.${key}`)
  const given = [...by, ...others, ...computed.map(({ key }) => key)]
  const record = `${recordOf(table, given)} where ${where.join(' and ')}`
  return (sql, rows) => sql`${sql.unsafe(update)} jsonb_to_recordset(${sql.json(rows)}) as ${sql.unsafe(record)}`
}

/** Deletes rows found by `by`. */
export function deleteFrom<Table extends PgTable>(
  table: Table,
  by: readonly Key<Table>[],
): (sql: Sql, rows: Rows) => Statement {
  const where = by.map((key) => columnOf(table, key)).map(({ key, name }) => `t.${name} = v.${key}`)
  const record = `${recordOf(table, by)} where ${where.join(' and ')}`
  const from = `delete from ${getTableName(table)} t using`
  return (sql, rows) => sql`${sql.unsafe(from)} jsonb_to_recordset(${sql.json(rows)}) as ${sql.unsafe(record)}`
}
