/**
 * From k6's summary to the figures of a run, and from those to text. Pure; report-html.ts makes the page of the same
 * figures.
 */
import type { Plan } from './plan.ts'

/** Milliseconds. Absent where nothing was measured. */
export interface Percentiles {
  count: number
  min: number
  p5: number
  p25: number
  median: number
  p75: number
  p90: number
  p95: number
  p99: number
  p999: number
  max: number
}

export interface Bound {
  measure: string
  bound: string
  held: boolean
}

export interface Figures {
  plan: Plan
  passed: boolean
  bounds: Bound[]
  counts: Record<string, number>
  commitToScreen: Percentiles | undefined
  /** One for each gateway, in their order. */
  byGateway: (Percentiles | undefined)[]
  postToAnswer: Percentiles | undefined
  openToSnapshot: Percentiles | undefined
  /** What only some scenarios time, by name. */
  others: Record<string, Percentiles>
}

type Fields = Record<string, unknown>
const fieldsOf = (value: unknown, key: string): Fields => {
  const found = typeof value === 'object' && value !== null && key in value ? Object.entries(value) : []
  const inner: unknown = found.find(([name]) => name === key)?.[1]
  return typeof inner === 'object' && inner !== null ? Object.fromEntries(Object.entries(inner)) : {}
}

const COUNTED = [
  'writes_acknowledged',
  'writes_refused',
  'changes_seen',
  'changes_owed',
  'changes_by_snapshot',
  'changes_lost',
  'acknowledged_missing',
  'order_violations',
  'duplicates',
  'reconnects',
  'not_understood',
  'clients_live',
  'clients_checked',
  'others_checked',
  'slow_closed',
  'presence_joins',
  'presence_wrong',
  'presence_doubled',
  'replies_complete',
  'memory_samples',
] as const

const TIMED_BY_SOME = ['commit_to_sse', 'commit_to_poll', 'return_to_screen', 'join_to_screen'] as const

/** The figures in the data that k6 hands to handleSummary. */
export function figuresOf(data: unknown, plan: Plan): Figures {
  const metrics = fieldsOf(data, 'metrics')
  const bounds = Object.keys(metrics).flatMap((measure) =>
    Object.entries(fieldsOf(metrics[measure], 'thresholds')).map(([bound, result]) => ({
      measure,
      bound,
      held: Boolean(Object.entries(result ?? {}).find(([key]) => key === 'ok')?.[1]),
    })),
  )
  const count = (name: string): number => Number(fieldsOf(metrics[name], 'values')['count'] ?? 0)
  return {
    plan,
    passed: bounds.length > 0 && bounds.every(({ held }) => held),
    bounds,
    counts: Object.fromEntries(COUNTED.map((name) => [name, count(name)])),
    commitToScreen: percentilesOf(metrics['commit_to_screen']),
    byGateway: plan.gateways.map((_, i) => percentilesOf(metrics[`commit_to_screen{gateway:${i + 1}}`])),
    postToAnswer: percentilesOf(metrics['post_to_answer']),
    openToSnapshot: percentilesOf(metrics['open_to_snapshot']),
    others: Object.fromEntries(
      TIMED_BY_SOME.flatMap((name) => {
        const percentiles = percentilesOf(metrics[name])
        return percentiles === undefined ? [] : [[name, percentiles]]
      }),
    ),
  }
}

function percentilesOf(metric: unknown): Percentiles | undefined {
  const values = fieldsOf(metric, 'values')
  const at = (key: string): number => Number(values[key] ?? Number.NaN)
  if (!(at('count') > 0)) return undefined
  return {
    count: at('count'),
    min: at('min'),
    p5: at('p(5)'),
    p25: at('p(25)'),
    median: at('med'),
    p75: at('p(75)'),
    p90: at('p(90)'),
    p95: at('p(95)'),
    p99: at('p(99)'),
    p999: at('p(99.9)'),
    max: at('max'),
  }
}

export const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`

const line = (name: string, p: Percentiles | undefined): string =>
  p === undefined
    ? `  ${name.padEnd(22)} nothing measured`
    : `  ${name.padEnd(22)} median ${milliseconds(p.median)} · p95 ${milliseconds(p.p95)} · p99 ${milliseconds(p.p99)} · max ${milliseconds(p.max)} (${p.count})`

/** What ran, in one sentence. */
export function describePlan(plan: Plan): string {
  const { clients, gateways, spaces, writers, rate, durationSeconds, batch = 1, others, churn, cuts } = plan
  const inRequests = batch > 1 ? ` in requests of ${batch}` : ''
  const more = [
    ...(others === undefined
      ? []
      : [`${others.sse} clients of server-sent events, ${others.polling} that poll, ${others.slow} that do not read`]),
    ...(churn === undefined
      ? []
      : [`${churn.beings} beings stay ${churn.staySeconds} s and go for ${churn.awaySeconds} s`]),
    ...(cuts === undefined ? [] : [`each is cut off every ${cuts.everySeconds} s for ${cuts.awaySeconds} s`]),
  ]
  const all = `${clients} clients over ${gateways.length} gateways watch ${spaces} spaces; ${writers} writers post ${rate} writes a second${inRequests} for ${durationSeconds} s`
  return [all, ...more].join('; ')
}

const SAID_OF_SOME = [
  ['others_checked', 'of other kinds'],
  ['slow_closed', 'closed, not reading'],
  ['presence_joins', 'joins on screens'],
  ['replies_complete', 'replies complete'],
  ['memory_samples', 'looks at memory'],
] as const

/** The summary as text. */
export function textReport(figures: Figures): string {
  const { counts, bounds, passed } = figures
  const count = (name: string): string => String(counts[name] ?? 0)
  return [
    '',
    `${figures.plan.scenario}: ${describePlan(figures.plan)}`,
    '',
    `  acknowledged writes    ${count('writes_acknowledged')} of ${figures.plan.rate * figures.plan.durationSeconds} planned (refused ${count('writes_refused')}, missing in the log ${count('acknowledged_missing')})`,
    `  changes on screens     ${count('changes_seen')} of ${count('changes_owed')} (in a snapshot ${count('changes_by_snapshot')}, lost ${count('changes_lost')}, out of order ${count('order_violations')}, twice ${count('duplicates')})`,
    `  clients                ${count('clients_live')} live, ${count('clients_checked')} compared with the log, ${count('reconnects')} reconnects`,
    line('commit to screen', figures.commitToScreen),
    ...figures.byGateway.map((percentiles, i) => line(`  by gateway ${i + 1}`, percentiles)),
    line('post to answer', figures.postToAnswer),
    line('open to snapshot', figures.openToSnapshot),
    ...Object.entries(figures.others).map(([name, percentiles]) => line(name.replaceAll('_', ' '), percentiles)),
    ...SAID_OF_SOME.filter(([name]) => count(name) !== '0').map(
      ([name, words]) => `  ${words.padEnd(22)} ${count(name)}`,
    ),
    '',
    passed
      ? '  every bound holds'
      : bounds
          .filter(({ held }) => !held)
          .map(({ measure, bound }) => `  NOT HELD  ${measure}: ${bound}`)
          .join('\n'),
    '',
    '',
  ].join('\n')
}
