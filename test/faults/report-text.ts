/** The outcome of a run as tables for a terminal, and what failed in full. Times are the longest of each row. */
import { briefly } from './briefly.ts'
import type { Outcome } from './drill.ts'
import { labelOf, type Row, rowsOf, type Totals, totalsOf } from './report-rows.ts'
import type { RunFacts } from './run-facts.ts'

interface Table {
  head: readonly string[]
  cells(row: Row): string[]
  totals(totals: Totals): string[]
}

export const seconds = (ms: number | undefined): string => (ms === undefined ? '–' : `${(ms / 1_000).toFixed(2)} s`)

const MESSAGES: Table = {
  head: ['fault', 'acknowledged', 'lost', 'twice', 'order', 'level after', 'under fault', 'worst delay'],
  cells: (row) => [
    ...[row.acknowledged, row.lost, row.duplicated, row.outOfOrder].map(String),
    ...[row.levelMs, row.underFaultMs, row.worstDelayMs].map(seconds),
  ],
  totals: ({ acknowledged, lost, duplicated, outOfOrder }) => [acknowledged, lost, duplicated, outOfOrder].map(String),
}

const PRESENCE: Table = {
  head: ['who is here', 'ghosts', 'missing', 'blinks', 'exact after'],
  cells: (row) => [...[row.ghosts, row.missing, row.blinks].map(String), seconds(row.exactMs)],
  totals: ({ ghosts, missing, blinks }) => [ghosts, missing, blinks].map(String),
}

/** One line for one outcome, as it happens. */
export function progressLine(outcome: Outcome): string {
  const counts = Object.entries(outcome.counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
  const notes = outcome.notes.length > 0 ? ` (${outcome.notes.join('; ')})` : ''
  const zeros = `lost ${outcome.lost}, twice ${outcome.duplicated}, out of order ${outcome.outOfOrder}, ghosts ${outcome.ghosts}, missing ${outcome.missing}, blinks ${outcome.blinks}`
  return `${outcome.passed ? 'ok  ' : 'FAIL'} ${outcome.fault}: ${outcome.acknowledged} acknowledged, ${zeros}, level after ${seconds(outcome.levelMs)}, exact after ${seconds(outcome.exactMs)}, under the fault ${seconds(outcome.underFaultMs)}, worst delay ${seconds(outcome.worstDelayMs)}, took ${seconds(outcome.tookMs)}${notes} [${counts}; ${outcome.logLines} log lines]`
}

/** Two tables, as one would be too wide to read: what became of the messages, and of who is here. */
export function tableOf(outcomes: readonly Outcome[], facts: RunFacts, order: readonly string[] = []): string {
  return [
    `${facts.command} at ${facts.commit}, ${facts.date}, seed ${facts.seed}, ${Math.round(facts.tookMs / 1_000)} s`,
    `${facts.participants}; ${facts.presence}`,
    ...[MESSAGES, PRESENCE].flatMap((table) => ['', ...linesOf(table, outcomes, order)]),
  ].join('\n')
}

function linesOf({ head, cells, totals }: Table, outcomes: readonly Outcome[], order: readonly string[]): string[] {
  const body = rowsOf(outcomes, order).map((row) => [`${row.passed ? '' : '✗ '}${labelOf(row)}`, ...cells(row)])
  const last = [`${outcomes.length} faults`, ...totals(totalsOf(outcomes))]
  const widths = head.map((_, column) => Math.max(...[head, ...body, last].map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('──')
  return [line(head), rule, ...body.map(line), rule, line(last)]
}

/** Everything about what failed: where it was, who was where, how to repeat it. */
export function failuresOf(outcomes: readonly Outcome[], facts: RunFacts): string {
  return outcomes
    .filter(({ passed }) => !passed)
    .map(({ fault, problems, notes }) =>
      [
        `✗ ${fault} (seed ${facts.seed})`,
        ...briefly(problems).map((problem) => `    ${problem.replaceAll('\n', '\n    ')}`),
        ...notes.map((note) => `    note: ${note}`),
        `    logs: ${facts.logs}`,
      ].join('\n'),
    )
    .join('\n')
}
