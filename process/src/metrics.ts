/** Metrics of one node, in a registry of its own, so that several nodes can live in one process. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AccountsDeps } from './budgets.ts'
import type { ConditionLog } from './condition-log.ts'

export interface MetricSet {
  readonly registry: Registry
  counter<Label extends string = never>(name: string, help: string, labels?: readonly Label[]): Counter<Label>
  /** One that is set. */
  gauge(name: string, help: string): Gauge
  /** One that is read when somebody asks for the metrics. */
  watch(name: string, help: string, read: () => number): void
  /** Likewise, a value for each label. */
  watchEach(name: string, help: string, label: string, read: () => ReadonlyMap<string, number>): void
  histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labels?: readonly Label[],
  ): Histogram<Label>
}

/** Buckets of times in seconds, from a millisecond to five seconds. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** `prefix` begins each name, as `rhizom_api_`. */
export function metricSet(prefix: string): MetricSet {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    counter: (name, help, labels = []) =>
      new Counter({ name: `${prefix}${name}`, help, labelNames: [...labels], registers }),
    gauge: (name, help) => new Gauge({ name: `${prefix}${name}`, help, registers }),
    watch(name, help, read) {
      const gauge: Gauge = new Gauge({ name: `${prefix}${name}`, help, registers, collect: () => gauge.set(read()) })
    },
    watchEach(name, help, label, read) {
      const gauge: Gauge = new Gauge({
        name: `${prefix}${name}`,
        help,
        labelNames: [label],
        registers,
        collect: () => {
          gauge.reset()
          for (const [value, count] of read()) gauge.set({ [label]: value }, count)
        },
      })
    },
    histogram: (name, help, buckets, labels = []) =>
      new Histogram({ name: `${prefix}${name}`, help, buckets, labelNames: [...labels], registers }),
  }
}

/** What each condition is said to be in the log, as a number. */
export const watchConditions = (
  metrics: MetricSet,
  conditions: readonly Pick<ConditionLog, 'name' | 'isBad'>[],
): void =>
  metrics.watchEach(
    'condition_good',
    '1 while what the process depends on is as it should be, 0 while the log says that it is not',
    'condition',
    () => new Map(conditions.map(({ name, isBad }) => [name, isBad ? 0 : 1])),
  )

/** What is taken from budgets, for Accounts. */
export function countBudgets(metrics: MetricSet): AccountsDeps['counted'] {
  const taken = metrics.counter(
    'budget_total',
    'Times something was taken from a budget, by what came of it and by who decided: the accounts of all nodes, this node for a part that they leave to it or, without Redis or time for it, alone',
    ['budget', 'outcome', 'kept'],
  )
  return (budget, outcome, kept) => taken.inc({ budget, outcome, kept })
}
