/**
 * The rows of a report: one per fault, with all its injections in a long run taken together, in the catalogue's order.
 */
import type { Outcome } from './drill.ts'

export interface Row extends Totals {
  name: string
  times: number
  passed: boolean
  /** The longest of each; undefined where it was never reached. */
  levelMs: number | undefined
  exactMs: number | undefined
  underFaultMs: number | undefined
  worstDelayMs: number
}

const longest = (times: readonly (number | undefined)[]): number | undefined =>
  times.some((ms) => ms === undefined) ? undefined : Math.max(...times.map((ms) => ms ?? 0))

export const labelOf = ({ name, times }: Row): string => (times > 1 ? `${name} × ${times}` : name)

/** `order` names the faults as the rows shall follow each other; others come last. */
export function rowsOf(outcomes: readonly Outcome[], order: readonly string[]): Row[] {
  const rank = ({ name }: Row): number => (order.includes(name) ? order.indexOf(name) : order.length)
  const rows = [...Map.groupBy(outcomes, ({ fault }) => fault)].map(([name, group]) => ({
    name,
    times: group.length,
    ...totalsOf(group),
    passed: group.every(({ passed }) => passed),
    levelMs: longest(group.map(({ levelMs }) => levelMs)),
    exactMs: longest(group.map(({ exactMs }) => exactMs)),
    underFaultMs: longest(group.map(({ underFaultMs }) => underFaultMs)),
    worstDelayMs: Math.max(...group.map(({ worstDelayMs }) => worstDelayMs)),
  }))
  return rows.toSorted((a, b) => rank(a) - rank(b))
}

export interface Totals {
  acknowledged: number
  lost: number
  duplicated: number
  outOfOrder: number
  ghosts: number
  missing: number
  blinks: number
  failed: number
}

export function totalsOf(outcomes: readonly Outcome[]): Totals {
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((all, each) => all + pick(each), 0)
  return {
    acknowledged: sum(({ acknowledged }) => acknowledged),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    outOfOrder: sum(({ outOfOrder }) => outOfOrder),
    ghosts: sum(({ ghosts }) => ghosts),
    missing: sum(({ missing }) => missing),
    blinks: sum(({ blinks }) => blinks),
    failed: outcomes.filter(({ passed }) => !passed).length,
  }
}
