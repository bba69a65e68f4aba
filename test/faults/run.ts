/**
 * `npm run faults`: every fault once, or random faults for a given time.
 *
 *   npm run faults                                   each fault once
 *   npm run faults -- --minutes 15 --publish         random faults for 15 minutes; writes docs/faults.svg too
 *   npm run faults -- --only Redis --seed 7          those whose name holds a word, choices from a seed
 *   npm run faults -- --help                         what else can be asked for
 */
import { listenForEnd } from '@rhizom/infra/local/endings.ts'
import { parseFaultArguments } from './arguments.ts'
import { briefly } from './briefly.ts'
import { bringUp, type RunSetup } from './run-setup.ts'
import type { Outcome } from './drill.ts'
import type { Fault } from './fault.ts'
import { PRESENCE_FACTS } from './presence/settings.ts'
import { commitNow, publishedPicture, writeReport } from './report.ts'
import { totalsOf } from './report-rows.ts'
import { failuresOf, progressLine } from './report-text.ts'
import type { RunFacts } from './run-facts.ts'

const WRITES_AIMED_AT = 100_000
/** Share of the time in which writes can be acknowledged: the rest is outages and verdicts. */
const WRITING_SHARE = 0.45
const SHORT_PACE = { batch: 3, everyMs: 80, visitEveryMs: 60 }
const BUSIEST_BATCH = 40

const asked = parseFaultArguments(process.argv.slice(2))
if (!asked.ok) {
  process[asked.code === 0 ? 'stdout' : 'stderr'].write(`${asked.problem}\n`)
  process.exit(asked.code)
}
const { minutes, faults, publish, seed = Math.floor(Math.random() * 1_000_000) } = asked.value

const say = (text: string): boolean => process.stdout.write(`${text}\n`)
let ended = false
listenForEnd({
  withParent: false,
  onEnd: (why) => {
    say(`ending: ${why}`)
    ended = true
  },
  onForce: () => process.exit(1),
})

/** Draws by weight, every fault once before any comes by chance. */
function* drawn(until: number, random: RunSetup['random']): Generator<Fault> {
  const once = faults.map((fault) => ({ fault, order: random.next() })).sort((a, b) => a.order - b.order)
  for (const { fault } of once) if (performance.now() < until) yield fault
  const tickets = faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault))
  while (performance.now() < until) yield random.pick(tickets)
}

/** Writes faster or slower, so that the aim is reached about when the time is over. */
function adjustPace({ clients }: RunSetup, untilMs: number): void {
  const missing = WRITES_AIMED_AT * 1.05 - clients.acknowledgements.total
  const left = Math.max(10, (untilMs - performance.now()) / 1_000) * WRITING_SHARE
  const perSecond = missing / left
  const { everyMs } = clients.pace
  const perBatch = (perSecond * (everyMs + 20)) / 1_000 / clients.writers.length
  clients.pace.batch = Math.min(BUSIEST_BATCH, Math.max(3, Math.round(perBatch)))
}

const startedAt = performance.now()
const outcomes: Outcome[] = []
say(`bringing up the rig (seed ${seed})`)
const setup = await bringUp({ seed, pace: { ...SHORT_PACE } })
say(`${setup.describe()}; logs in ${setup.rig.logs}`)
const until = startedAt + (minutes ?? 0) * 60_000
try {
  for (const fault of minutes === undefined ? faults : drawn(until, setup.random)) {
    if (ended) break
    if (minutes !== undefined) adjustPace(setup, until)
    const outcome = await setup.drill.run(fault)
    outcomes.push(outcome)
    const acknowledged = totalsOf(outcomes).acknowledged
    const progress = `${Math.round((performance.now() - startedAt) / 1_000)} s, ${outcomes.length} faults, ${acknowledged} writes`
    say(`[${progress}] ${progressLine(outcome)}`)
    if (outcome.passed) continue
    for (const problem of briefly(outcome.problems)) say(`       ${problem}`)
    say(setup.clients.describe())
    const hopeless = await setup.drill.mend().then(
      () => undefined,
      (error: unknown) => String(error),
    )
    if (hopeless === undefined) continue
    say(`       cannot go on: ${hopeless}`)
    break
  }
} finally {
  await setup.stop()
}
const facts: RunFacts = {
  command: `npm run faults${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`,
  commit: commitNow(),
  date: new Date().toISOString().slice(0, 10),
  seed,
  tookMs: performance.now() - startedAt,
  participants: setup.describe(),
  presence: PRESENCE_FACTS,
  logs: setup.rig.logs,
}
const report = writeReport(outcomes, facts, { name: 'faults', publish })
say(`\n${report.text}\n`)
const failures = failuresOf(outcomes, facts)
if (failures !== '') say(failures)
say(`picture: ${publish ? publishedPicture : report.svg}, numbers: ${report.json}`)
process.exit(outcomes.length > 0 && outcomes.every(({ passed }) => passed) && !ended ? 0 : 1)
