/**
 * `npm run soak`: runs seeds for as long as it is told, and ends at the first that finds something, shrunk.
 *
 *   npm run soak -- --minutes 5            fresh seeds, a different start each time
 *   npm run soak -- --minutes 5 --from 1   from a given seed on
 *   npm run soak -- --from 1 --seeds 100   so many seeds
 *   npm run soak -- --seed 42              that one, with its whole story
 *   npm run soak -- --pages …              the same with people who write on pages
 *   npm run soak -- --bots …               the same with copies of a bot that is asked
 */
import { parseArgs } from 'node:util'
import { makeBotPlan } from './bot-plan.ts'
import { makePlan } from './make-plan.ts'
import { makePagePlan } from './page-plan.ts'
import { describePlan, shrink } from './shrink.ts'
import { type Outcome, simulatePlan } from './simulate.ts'

const PROGRESS_EVERY_MS = 5_000
const LAST_LINES = 40

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string' },
    seeds: { type: 'string' },
    pages: { type: 'boolean', default: false },
    bots: { type: 'boolean', default: false },
  },
})
const planOf = values.bots ? makeBotPlan : values.pages ? makePagePlan : makePlan
const flag = values.bots ? '--bots ' : values.pages ? '--pages ' : ''
process.exitCode = values.seed === undefined ? await soak() : await tell(Number(values.seed))

async function soak(): Promise<number> {
  const most = Number(values.seeds ?? 'Infinity')
  const minutes = Number(values.minutes ?? (values.seeds === undefined ? '1' : 'Infinity'))
  const first = values.from === undefined ? Date.now() % 1_000_000_000 : Number(values.from)
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  let reportAt = PROGRESS_EVERY_MS
  let steps = 0
  let seed = first
  const report = (): void => {
    const perMinute = (count: number): string => Math.round((count * 60_000) / elapsedMs()).toLocaleString('en')
    const seeds = seed - first
    say(
      `${(elapsedMs() / 1_000).toFixed(0)} s: ${seeds.toLocaleString('en')} seeds (${perMinute(seeds)} a minute), ` +
        `${steps.toLocaleString('en')} steps (${perMinute(steps)} a minute), nothing found`,
    )
  }
  say(`seeds from ${first}, ${values.seeds === undefined ? `for ${minutes} min` : `${most} of them`}`)
  for (; seed - first < most && elapsedMs() < minutes * 60_000; seed++) {
    const outcome = await simulatePlan(planOf(seed))
    steps += outcome.steps
    if (!outcome.ok) return tellFailure(outcome)
    if (elapsedMs() < reportAt) continue
    reportAt += PROGRESS_EVERY_MS
    report()
  }
  report()
  return 0
}

async function tell(seed: number): Promise<number> {
  const outcome = await simulatePlan(planOf(seed))
  say(describePlan(planOf(seed)))
  say(outcome.trace.join('\n'))
  if (!outcome.ok) return tellFailure(outcome)
  say(`seed ${seed} holds every rule in ${outcome.steps} steps; level ${outcome.levelAfterMs} ms after all trouble`)
  return 0
}

async function tellFailure({ seed, violation }: Outcome): Promise<number> {
  if (violation === undefined) return 0
  say(`\nseed ${seed} breaks ${violation.rule}: ${violation.text}\n\nshrinking …`)
  const { plan, runs } = await shrink(planOf(seed), violation.rule)
  const { trace, violation: last } = await simulatePlan(plan)
  say(`in ${runs} runs to:\n\n${describePlan(plan)}\n\nwhich ends:\n\n${trace.slice(-LAST_LINES).join('\n')}`)
  say(`\n${last?.rule}: ${last?.text}\n\nagain: npm run soak -- ${flag}--seed ${seed}`)
  say(`to keep it (regressions.ts):\n${JSON.stringify(plan)}`)
  return 1
}
