/**
 * Reads in the words of drizzle's query builder, which takes every name and type from the schema. They are asked
 * through the driver like statements that are written in SQL: prepared, on a connection that was lent, their values
 * read by the driver's own parsers. So a column is selected under the key it has in the schema.
 */
import { getTableColumns, type InferSelectModel, type SQL, sql as written } from 'drizzle-orm'
import { type PgTable, QueryBuilder } from 'drizzle-orm/pg-core'
import type postgres from 'postgres'
import type { Sql } from './database.ts'

export const query = new QueryBuilder()

type Model<Table extends PgTable> = InferSelectModel<Table>
type Fields<Table extends PgTable, Key extends keyof Model<Table>> = { [K in Key]: SQL.Aliased<Model<Table>[K]> }

/** Columns of a table, each under its key. */
export function fieldsOf<Table extends PgTable, const Keys extends readonly (keyof Model<Table> & string)[]>(
  table: Table,
  keys: Keys,
): Fields<Table, Keys[number]>
export function fieldsOf(table: PgTable, keys: readonly string[]): Record<string, SQL.Aliased> {
  const columns = getTableColumns(table)
  return Object.fromEntries(keys.map((key) => [key, written`${columns[key]}`.as(key)]))
}

/** A text array as one value, so that a statement is the same for any number of them. */
export const textArray = (items: readonly string[]): SQL => written`${written.param([...items])}::text[]`

interface BuiltQuery<Row> {
  readonly _: { readonly result: Row[] }
  toSQL(): { sql: string; params: unknown[] }
}

/** Asks what was built. Its text is cut where its values stand, as the driver has it from a template. */
export function askBuilt<Row extends object>(sql: Sql, built: BuiltQuery<Row>): postgres.PendingQuery<Row[]> {
  const { sql: text, params } = built.toSQL()
  const raw = text.split(/\$\d+/)
  return sql<Row[]>(Object.assign(raw, { raw }), ...params.map(valueOf))
}

function valueOf(param: unknown): string | number | string[] {
  if (typeof param === 'string' || typeof param === 'number') return param
  if (Array.isArray(param) && param.every((item) => typeof item === 'string')) return param
  throw new Error(`a query was built with a ${typeof param} for a value`)
}
