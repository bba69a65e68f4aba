/**
 * Runs seeds and kept plans until one finds something, and prints what, as one line of JSON: first the one that is known
 * to, then a few seeds, which most mutants fall to, the kept plans, and the other seeds. Run by the test of the mutants, in a copy of the repository's parts in which one of them was spoilt.
 *
 *   node test/simulation/hunt.ts <first seed> <number of seeds> [a seed, or the name of a kept plan]
 */
import { variantsOf } from './kept.ts'
import { KEPT } from './kept-seeds.ts'
import { planOf } from './plan-of.ts'
import { simulatePlan } from './simulate.ts'

export interface Hunt {
  runs: number
  steps: number
  /** Missing if nothing was found. */
  found?: { seed: number; rule: string; text: string }
}

const SEEDS_FIRST = 12

export async function hunt(first: number, count: number, known: string | undefined): Promise<Hunt> {
  const fresh = Array.from({ length: count }, (_, index) => planOf(first + index))
  const plans = [
    ...KEPT.filter(({ name }) => name === known).flatMap(variantsOf),
    ...fresh.filter(({ seed }) => String(seed) === known),
    ...fresh.slice(0, SEEDS_FIRST),
    ...KEPT.flatMap(variantsOf),
    ...fresh.slice(SEEDS_FIRST),
  ]
  let steps = 0
  for (const [index, plan] of plans.entries()) {
    const { violation, seed, steps: taken } = await simulatePlan(plan)
    steps += taken
    if (violation !== undefined) return { runs: index + 1, steps, found: { seed, ...violation } }
  }
  return { runs: plans.length, steps }
}

if (import.meta.main) {
  const [first = '1', count = '100', known] = process.argv.slice(2)
  process.stdout.write(`${JSON.stringify(await hunt(Number(first), Number(count), known))}\n`)
}
