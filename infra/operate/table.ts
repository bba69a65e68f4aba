/** Rows of an answer as a table for a terminal: times as dates, sizes with units, what is missing as a dash. Pure. */
const MAX_WIDTH = 40
const NOTHING = '–'
const TIME = /At$|^at$/

export function tableOf(rows: readonly Readonly<Record<string, unknown>>[], columns: readonly string[]): string {
  const lines = rows.map((row) => columns.map((column) => cellOf(column, row[column])))
  const all = [columns, ...lines]
  const widths = columns.map((_column, index) => Math.max(...all.map((cells) => cells[index]?.length ?? 0)))
  const isNumber = columns.map((column) => rows.some((row) => typeof row[column] === 'number') && !TIME.test(column))
  const lineOf = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        isNumber[index] === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return all.map(lineOf).join('\n')
}

function cellOf(column: string, value: unknown): string {
  if (value === null || value === undefined) return NOTHING
  if (typeof value === 'number' && TIME.test(column))
    return new Date(value).toISOString().slice(0, 19).replace('T', ' ')
  if (typeof value === 'number' && column === 'bytes') return sizeOf(value)
  const words = Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : JSON.stringify(value)
  if (words === '') return NOTHING
  // What people named themselves: nothing of it may move the cursor of a terminal, or turn its words round.
  const plain = words.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·')
  return plain.length > MAX_WIDTH ? `${plain.slice(0, MAX_WIDTH - 1)}…` : plain
}

function sizeOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let size = bytes
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit += 1
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`
}
