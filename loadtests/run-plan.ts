/** One run of k6 with one plan, its companion beside it where the plan has clients that k6 has no means for. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { startCompanion } from './companion/start.ts'
import type { Plan } from './scenarios/plan.ts'
import { describePlan } from './scenarios/report.ts'

export interface PlanRun {
  program: string
  plan: Plan
  reportFolder: string
  environment: Readonly<Record<string, string>>
  quiet: boolean
  say: (text: string) => void
  signal: AbortSignal
}

const script = join(import.meta.dirname, 'scenarios/load.ts')
/** k6 says so when a bound did not hold, and its summary is written all the same. */
const BOUND_NOT_HELD = 99

/** Whether every bound held. */
export async function runPlan(run: PlanRun): Promise<boolean> {
  const { program, reportFolder, environment, quiet, say, signal } = run
  const companion = run.plan.others === undefined ? undefined : await startCompanion()
  const plan = companion === undefined ? run.plan : { ...run.plan, companion: companion.url }
  const child = spawn(program, ['run', '--no-usage-report', '--address=', ...(quiet ? ['--quiet'] : []), script], {
    cwd: join(import.meta.dirname, '..'),
    env: {
      ...process.env,
      ...environment,
      RHIZOM_PLAN: JSON.stringify(plan),
      RHIZOM_REPORT: reportFolder,
      K6_AUTO_EXTENSION_RESOLUTION: 'false',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const end = (): void => void child.kill('SIGINT')
  signal.addEventListener('abort', end)
  const progress = quiet ? tellProgress(plan, say) : undefined
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (exitCode) => resolve(exitCode ?? 1))
    })
    if (code === 0 || code === BOUND_NOT_HELD) say(`report: ${join(reportFolder, `${plan.scenario}.html`)}`)
    else say(`${plan.scenario} ended with ${code}`)
    return code === 0
  } finally {
    clearInterval(progress)
    signal.removeEventListener('abort', end)
    companion?.stop()
  }
}

/** How long it takes where nobody is late; who comes and goes stays for everybody to see. */
export const expectedSeconds = ({ connectSeconds, durationSeconds, settleSeconds, churn }: Plan): number =>
  connectSeconds + durationSeconds + 2 + (churn === undefined ? 0 : 2 * settleSeconds)

const TELL_EVERY_MS = 5_000

function tellProgress(plan: Plan, say: (text: string) => void): NodeJS.Timeout {
  const startedAt = Date.now()
  const expected = expectedSeconds(plan)
  say(`${plan.scenario}: ${describePlan(plan)}; about ${expected} s`)
  const every = Math.max(TELL_EVERY_MS, expected * 50)
  return setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000)
    const words = seconds < expected ? `${seconds} of about ${expected} s` : 'comparing with the log'
    say(`${plan.scenario}: ${words}`)
  }, every)
}
