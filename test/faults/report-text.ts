/** The outcome of a run as a table for a terminal, and what failed in full. Times are the longest of each row. */
import type { Outcome } from './drill.ts'
import { labelOf, type Row, rowsOf, totalsOf } from './report-rows.ts'
import type { RunFacts } from './run-facts.ts'

const COLUMNS = [
  'fault',
  'acknowledged',
  'lost',
  'twice',
  'order',
  'level after',
  'under fault',
  'worst delay',
] as const

export const seconds = (ms: number | undefined): string => (ms === undefined ? '–' : `${(ms / 1_000).toFixed(2)} s`)

const cells = (row: Row): string[] => [
  `${row.passed ? '' : '✗ '}${labelOf(row)}`,
  String(row.acknowledged),
  String(row.lost),
  String(row.duplicated),
  String(row.outOfOrder),
  seconds(row.levelMs),
  seconds(row.underFaultMs),
  seconds(row.worstDelayMs),
]

/** One line for one outcome, as it happens. */
export function progressLine(outcome: Outcome): string {
  const counts = Object.entries(outcome.counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
  const notes = outcome.notes.length > 0 ? ` (${outcome.notes.join('; ')})` : ''
  const zeros = `lost ${outcome.lost}, twice ${outcome.duplicated}, out of order ${outcome.outOfOrder}`
  return `${outcome.passed ? 'ok  ' : 'FAIL'} ${outcome.fault}: ${outcome.acknowledged} acknowledged, ${zeros}, level after ${seconds(outcome.levelMs)}, under the fault ${seconds(outcome.underFaultMs)}, worst delay ${seconds(outcome.worstDelayMs)}, took ${seconds(outcome.tookMs)}${notes} [${counts}; ${outcome.logLines} log lines]`
}

export function tableOf(outcomes: readonly Outcome[], facts: RunFacts, order: readonly string[] = []): string {
  const totals = totalsOf(outcomes)
  const rows = [
    [...COLUMNS],
    ...rowsOf(outcomes, order).map(cells),
    [
      `${outcomes.length} faults`,
      ...[totals.acknowledged, totals.lost, totals.duplicated, totals.outOfOrder].map(String),
      '',
      '',
      '',
    ],
  ]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('──')
  const [head = [], ...body] = rows
  const last = body.pop() ?? []
  return [
    `${facts.command} at ${facts.commit}, ${facts.date}, seed ${facts.seed}, ${Math.round(facts.tookMs / 1_000)} s`,
    facts.cast,
    '',
    line(head),
    rule,
    ...body.map(line),
    rule,
    line(last),
  ].join('\n')
}

/** Everything about what failed: where it was, who was where, how to repeat it. */
export function failuresOf(outcomes: readonly Outcome[], facts: RunFacts): string {
  return outcomes
    .filter(({ passed }) => !passed)
    .map(({ fault, problems, notes }) =>
      [
        `✗ ${fault} (seed ${facts.seed})`,
        ...problems.map((problem) => `    ${problem.replaceAll('\n', '\n    ')}`),
        ...notes.map((note) => `    note: ${note}`),
        `    logs: ${facts.logs}`,
      ].join('\n'),
    )
    .join('\n')
}
