/** The arguments of `npm test`. */
import { ALL_STEPS, QUICK_STEPS, STEPS, type StepName } from './steps.ts'

export interface TestArguments {
  steps: ReadonlySet<StepName>
  filters: string[]
}

type Parsed = { ok: true; value: TestArguments } | { ok: false; problem: string }

const USAGE = `npm test [-- [--quick | --only ${STEPS.join('|')}[,…]] [part of a test file's name …]]`

const isStep = (name: string): name is StepName => STEPS.some((step) => step === name)

export function parseTestArguments(args: readonly string[]): Parsed {
  const filters: string[] = []
  let only: StepName[] | undefined
  let quick = false
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? ''
    if (argument === '--') continue
    if (argument === '--only') {
      index += 1
      const names = (args[index] ?? '').split(',')
      const unknown = names.filter((name) => !isStep(name))
      if (unknown.length > 0) return { ok: false, problem: `--only ${unknown.join(',')} is not understood\n${USAGE}` }
      only = [...(only ?? []), ...names.filter(isStep)]
    } else if (argument === '--quick') {
      quick = true
    } else if (argument.startsWith('-')) {
      return { ok: false, problem: `${argument} is not understood\n${USAGE}` }
    } else {
      filters.push(argument)
    }
  }
  if (quick && (only !== undefined || filters.length > 0))
    return { ok: false, problem: `--quick says what is run, and takes neither --only nor names\n${USAGE}` }
  if (quick) return { ok: true, value: { steps: new Set(QUICK_STEPS), filters } }
  // A filter speaks of test files, so it leaves out the steps that have none.
  const all = filters.length > 0 ? ALL_STEPS.filter((name) => name !== 'checks' && name !== 'load') : ALL_STEPS
  return { ok: true, value: { steps: new Set(only ?? all), filters } }
}
