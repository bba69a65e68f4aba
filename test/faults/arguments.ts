/** The arguments of `npm run faults`, and which faults they choose. */
import { parseArgs } from 'node:util'
import { EVERY_FAULT, LONG_RUN_FAULTS } from './catalog/catalog.ts'
import type { Fault } from './fault.ts'

export interface FaultArguments {
  /** How long faults are drawn at random; without it each comes once. */
  minutes: number | undefined
  /** Where choices come from, if not from chance. */
  seed: number | undefined
  publish: boolean
  faults: readonly Fault[]
}

/** A problem to tell, and how the process ends with it. */
type Parsed = { ok: true; value: FaultArguments } | { ok: false; problem: string; code: number }

const USAGE = `npm run faults [-- options]

  each fault once                              (no options)
  --minutes 15                                 random faults for so long
  --only "one link"                            those whose name holds these words, of all that there are
  --seed 7                                     choices from a seed
  --publish                                    writes docs/faults.svg too`

const refused = (problem: string): Parsed => ({ ok: false, problem: `faults: ${problem}\n\n${USAGE}`, code: 2 })

export function parseFaultArguments(args: readonly string[]): Parsed {
  const { values, problem } = valuesOf(args)
  if (values === undefined) return refused(problem)
  if (values.help === true) return { ok: false, problem: USAGE, code: 0 }
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  if (minutes !== undefined && !(minutes > 0)) return refused('--minutes takes a number above 0')
  const seed = values.seed === undefined ? undefined : Number(values.seed)
  if (seed !== undefined && !Number.isInteger(seed)) return refused('--seed takes a whole number')
  const faults = chosen(minutes, values.only)
  if (faults.length === 0)
    return refused(
      `no fault is called anything with "${values.only}"; there are:\n${LONG_RUN_FAULTS.map(({ name }) => `  ${name}`).join('\n')}`,
    )
  return { ok: true, value: { minutes, seed, publish: values.publish === true, faults } }
}

/** What is asked for by name is drilled, whether or not it is one of those that come by themselves. */
function chosen(minutes: number | undefined, only: string | undefined): readonly Fault[] {
  if (only === undefined) return minutes === undefined ? EVERY_FAULT : LONG_RUN_FAULTS
  return LONG_RUN_FAULTS.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()))
}

function valuesOf(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: args.filter((arg) => arg !== '--'),
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        only: { type: 'string' },
        publish: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return { values, problem: '' }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return { values: undefined, problem: error.message }
  }
}
