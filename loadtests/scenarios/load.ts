/**
 * The one k6 script of all scenarios: which it is, and how large, says the plan in RHIZOM_PLAN, which
 * `npm run loadtest` makes. K clients, spread over all gateways, watch S spaces while W writers post to the api.
 *
 *   setup     sessions, spaces, the place each space begins at
 *   watch     connect → see every change → compare what was seen with the log
 *   write     wait for the clients → post at an even pace → compare what was acknowledged with the log
 *   churn, others, memory: where the plan has them
 *
 * Acknowledged writes are in the log (writers), and every client saw the log as it is (watchers): so nothing
 * acknowledged is missing on any screen. From commit to screen is this machine's clock when the message is handled
 * minus the database's clock at commit (`at` of the change): one and the same clock where all of it runs on one
 * machine; else the difference of the two clocks is part of the figure. Its resolution is one millisecond.
 */
import execution from 'k6/execution'
import type { Options } from 'k6/options'
import { CHURN_VUS, comeAndGo } from './churn.ts'
import { thresholdsOf } from './measures.ts'
import { watchMemory } from './memory.ts'
import { letOthersWatch } from './others.ts'
import { readPlan } from './plan.ts'
import { htmlReport } from './report-html.ts'
import { type Figures, figuresOf, textReport } from './report.ts'
import { type Run, setUp } from './run-setup.ts'
import { watchSpaces } from './watchers.ts'
import { writeSpaces } from './writers.ts'

const plan = readPlan(__ENV['RHIZOM_PLAN'])
/** Given by file or environment, never in an address: one a line, or parted by spaces. */
const tokensFile = __ENV['RHIZOM_TOKENS_FILE']
const tokens = ((tokensFile ? open(tokensFile) : __ENV['RHIZOM_TOKENS']) ?? '').split(/\s+/).filter((one) => one !== '')
const wholeSeconds = plan.connectSeconds + plan.durationSeconds + 3 * plan.settleSeconds + 30

const perVu = { executor: 'per-vu-iterations', iterations: 1, maxDuration: `${wholeSeconds}s` } as const

export const options: Options = {
  setupTimeout: '300s',
  scenarios: {
    watchers: { ...perVu, vus: plan.watcherVus, exec: 'watch' },
    writers: { ...perVu, vus: plan.writers, exec: 'write' },
    ...(plan.churn !== undefined && { churn: { ...perVu, vus: CHURN_VUS, exec: 'churn' } }),
    ...(plan.others !== undefined && { others: { ...perVu, vus: 1, exec: 'others' } }),
    ...(plan.memory !== undefined && { memory: { ...perVu, vus: 1, exec: 'memory' } }),
  },
  thresholds: thresholdsOf(plan),
  summaryTrendStats: [
    'min',
    'avg',
    'med',
    'p(5)',
    'p(25)',
    'p(75)',
    'p(90)',
    'p(95)',
    'p(99)',
    'p(99.9)',
    'max',
    'count',
  ],
}

export const setup = (): Run => setUp(plan, tokens)
export const watch = (run: Run): Promise<void> => watchSpaces(plan, run, execution.scenario.iterationInTest)
export const write = (run: Run): Promise<void> => writeSpaces(plan, run, execution.scenario.iterationInTest)
export const churn = (run: Run): Promise<void> => comeAndGo(plan, run, execution.scenario.iterationInTest)
export const others = (run: Run): Promise<void> => letOthersWatch(plan, run)
export const memory = (run: Run): Promise<void> => watchMemory(plan, run)

/** Text for the screen, everything for machines, a page for people. */
export function handleSummary(data: unknown): Record<string, string> {
  const figures: Figures = figuresOf(data, plan)
  const folder = __ENV['RHIZOM_REPORT'] ?? '.local/loadtest'
  return {
    stdout: textReport(figures),
    [`${folder}/${plan.scenario}.json`]: JSON.stringify({ plan, figures, k6: data }, null, 2),
    [`${folder}/${plan.scenario}.html`]: htmlReport(figures),
  }
}
