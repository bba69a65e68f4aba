/** What people see of the launcher: one line for each thing that happens, with the time since the start. */

export interface Screen {
  /** Something begins that may take a while. */
  step(text: string): void
  done(text: string): void
  notice(text: string): void
  error(text: string): void
  plain(text: string): void
}

const COLOURS = { dim: 2, red: 31, green: 32, yellow: 33 } as const

export function createScreen(
  out: NodeJS.WriteStream,
  colours = out.isTTY && process.env['NO_COLOR'] === undefined,
): Screen {
  const startedAt = performance.now()
  // Nobody may be left to read: a terminal that was closed must not end the launcher in the middle of its stop.
  out.on('error', () => undefined)
  const paint = (text: string, colour: keyof typeof COLOURS): string =>
    colours ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text
  const line = (mark: string, text: string): void => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)
    out.write(`${paint(`${seconds} s`, 'dim')}  ${mark} ${text}\n`)
  }
  return {
    step: (text) => line(paint('…', 'dim'), text),
    done: (text) => line(paint('✓', 'green'), text),
    notice: (text) => line(paint('!', 'yellow'), text),
    error: (text) => line(paint('✗', 'red'), text),
    plain: (text) => void out.write(`${text}\n`),
  }
}

/** Columns of equal width, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const SHOWN_AT_ONCE = 5
const PER_MS = 10_000

/** Lets a few lines of one source through and counts the rest, so that one failing part does not hide the others. */
export function calmly(show: (text: string) => void, now: () => number = Date.now): (text: string) => void {
  let since = -PER_MS
  let shown = 0
  let held = 0
  return (text) => {
    if (now() - since > PER_MS) {
      if (held > 0) show(`${held} more lines like these are in the log`)
      since = now()
      shown = 0
      held = 0
    }
    shown += 1
    if (shown <= SHOWN_AT_ONCE) show(text)
    else held += 1
  }
}
