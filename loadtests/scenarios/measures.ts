/** What the scenario counts and times, by name. report.ts reads the same names from the summary. */
import { Counter, Trend } from 'k6/metrics'
import type { Plan } from './plan.ts'

export const measures = {
  /** From the database's clock at commit to the handler of the client's socket. */
  commitToScreen: new Trend('commit_to_screen', true),
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
}

/** The bounds. The last four keep a run that measured nothing from passing. */
export const thresholdsOf = (plan: Plan): Record<string, string[]> => ({
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
})
