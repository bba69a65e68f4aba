import type postgres from 'postgres'

export type Statement = postgres.PendingQuery<postgres.Row[]>

/** Statements for rows of which all has changed, and for those of which only what is short has. */
export function ofEither<Row>(
  rows: readonly Row[],
  isAround: (row: Row) => boolean,
  write: Record<'whole' | 'around', (rows: Row[]) => Statement>,
): Statement[] {
  const [around, whole] = [rows.filter(isAround), rows.filter((row) => !isAround(row))]
  return [...(whole.length > 0 ? [write.whole(whole)] : []), ...(around.length > 0 ? [write.around(around)] : [])]
}
