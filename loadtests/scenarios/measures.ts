/** What the scenarios count and time, by name. report.ts reads the same names from the summary. */
import { Counter, Trend } from 'k6/metrics'
import type { Plan } from './plan.ts'

export const measures = {
  /** From the database's clock at commit to the handler of the client's socket. */
  commitToScreen: new Trend('commit_to_screen', true),
  /** The same for clients of server-sent events, and for those that poll. */
  commitToSse: new Trend('commit_to_sse', true),
  commitToPoll: new Trend('commit_to_poll', true),
  /** For what was written while a client was away: from its coming back to the handler. */
  returnToScreen: new Trend('return_to_screen', true),
  /** From the moment since when somebody is here, by its gateway's clock, to another's screen. */
  joinToScreen: new Trend('join_to_screen', true),
  postToAnswer: new Trend('post_to_answer', true),
  /** From opening the socket to the first snapshot. */
  openToSnapshot: new Trend('open_to_snapshot', true),
  changesSeen: new Counter('changes_seen'),
  /** What the log holds for every client, all together: seen, by snapshot and lost add up to it. */
  changesOwed: new Counter('changes_owed'),
  changesBySnapshot: new Counter('changes_by_snapshot'),
  changesLost: new Counter('changes_lost'),
  orderViolations: new Counter('order_violations'),
  duplicates: new Counter('duplicates'),
  writesAcknowledged: new Counter('writes_acknowledged'),
  writesRefused: new Counter('writes_refused'),
  acknowledgedMissing: new Counter('acknowledged_missing'),
  clientsLive: new Counter('clients_live'),
  clientsChecked: new Counter('clients_checked'),
  writersChecked: new Counter('writers_checked'),
  reconnects: new Counter('reconnects'),
  notUnderstood: new Counter('not_understood'),
  othersChecked: new Counter('others_checked'),
  slowClosed: new Counter('slow_closed'),
  /** Beings on a screen that are not here, or here and on no screen, at the end. */
  presenceWrong: new Counter('presence_wrong'),
  /** Told to join while here, or to leave while not. */
  presenceDoubled: new Counter('presence_doubled'),
  presenceJoins: new Counter('presence_joins'),
  /** Of each writer that streams. */
  streamChangesPerSecond: new Trend('stream_changes_per_second'),
  repliesComplete: new Counter('replies_complete'),
  memorySamples: new Counter('memory_samples'),
  memoryMegabytes: new Trend('memory_megabytes'),
  memoryGrowthPercent: new Trend('memory_growth_percent'),
}

/** Changes a second that a stream of text may make; a run may be off by a little where the clock is read. */
const STREAM_CHANGES = 21
/** What has to lie unread for a client before it is closed: the gateway's budget and the buffers of two sockets. */
const CLOSES_BEYOND_BYTES = 24 * 1_048_576

/** How much of a poll's delay is the pause between polls. */
export const POLL_EVERY_MS = 500

type Thresholds = Record<string, string[]>

/** Only where the plan has it, so that what did not happen needs no bound. */
function ofParts(plan: Plan): Thresholds {
  const { others, churn, cuts, stream, memory, metrics, contentBytes = 0, rate, durationSeconds, spaces } = plan
  const bytesEach = (contentBytes * rate * durationSeconds) / spaces
  return {
    ...(others !== undefined && { others_checked: [`count==${others.sse + others.polling + others.slow}`] }),
    ...(others !== undefined && others.sse > 0 && { commit_to_sse: [`p(95)<${plan.p95Ms}`] }),
    ...(others !== undefined && others.polling > 0 && { commit_to_poll: [`p(95)<${plan.p95Ms + POLL_EVERY_MS}`] }),
    ...(others !== undefined && others.slow > 0 && bytesEach > CLOSES_BEYOND_BYTES && { slow_closed: ['count>0'] }),
    ...(churn !== undefined && {
      presence_wrong: ['count==0'],
      presence_doubled: ['count==0'],
      presence_joins: ['count>0'],
    }),
    ...(cuts !== undefined && { reconnects: ['count>0'], return_to_screen: [`p(95)<${plan.p95Ms}`] }),
    ...(stream !== undefined && {
      stream_changes_per_second: [`max<=${STREAM_CHANGES}`],
      replies_complete: ['count>0'],
    }),
    ...(memory !== undefined && {
      memory_samples: [`count>=${4 * metrics.length}`],
      memory_growth_percent: [`max<${memory.growthPercent}`],
    }),
  }
}

/** The bounds. The last of the general ones keep a run that measured nothing from passing. */
export const thresholdsOf = (plan: Plan): Thresholds => ({
  changes_lost: ['count==0'],
  acknowledged_missing: ['count==0'],
  order_violations: ['count==0'],
  duplicates: ['count==0'],
  not_understood: ['count==0'],
  writes_refused: ['count==0'],
  commit_to_screen: [`p(95)<${plan.p95Ms}`],
  // One line per gateway in the summary: k6 reports a part of a measure only where it has a bound.
  ...Object.fromEntries(plan.gateways.map((_, i) => [`commit_to_screen{gateway:${i + 1}}`, [`p(95)<${plan.p95Ms}`]])),
  writes_acknowledged: ['count>0'],
  changes_seen: ['count>0'],
  clients_live: [`count==${plan.clients}`],
  clients_checked: [`count==${plan.clients}`],
  writers_checked: [`count==${plan.writers}`],
  ...ofParts(plan),
})
