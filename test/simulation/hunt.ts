/**
 * Runs the kept plans and then seeds until one finds something, and prints what, as one line of JSON. Run by the test
 * of the mutants, in a copy of the repository's parts in which one of them was spoilt.
 *
 *   node test/simulation/hunt.ts <first seed> <number of seeds>
 */
import { KEPT, variantsOf } from './kept-seeds.ts'
import { simulate, simulatePlan } from './simulate.ts'

export interface Hunt {
  seeds: number
  steps: number
  /** Missing if nothing was found. */
  found?: { seed: number; rule: string; text: string }
}

export async function hunt(first: number, count: number): Promise<Hunt> {
  let steps = 0
  for (const plan of KEPT.flatMap(variantsOf)) {
    const { violation } = await simulatePlan(plan)
    if (violation !== undefined) return { seeds: 0, steps, found: { seed: plan.seed, ...violation } }
  }
  for (let seed = first; seed < first + count; seed++) {
    const outcome = await simulate(seed)
    steps += outcome.steps
    const { violation } = outcome
    if (violation !== undefined) return { seeds: seed - first + 1, steps, found: { seed, ...violation } }
  }
  return { seeds: count, steps }
}

if (import.meta.main) {
  const [first = 1, count = 100] = process.argv.slice(2).map(Number)
  process.stdout.write(`${JSON.stringify(await hunt(first, count))}\n`)
}
