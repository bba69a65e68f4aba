/**
 * Loads the simulation with one deliberate fault in it (a mutant of mutants.ts or presence-mutants.ts), runs plans
 * until one breaks a rule, and prints which, as one line of JSON. Nothing is written: the source is altered on its way
 * into this process, which is why everything that may be altered is imported late.
 *
 * The plan that is known to find the mutant comes first. If it no longer does (`byKnown` is false), a hunt follows: a
 * few seeds, which most mutants fall to, every regression, and the other seeds.
 *
 *   node test/simulation/find-mutant.ts <the mutant as JSON> <number of seeds>
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutate } from './mutants.ts'
import type { Plan } from './plan.ts'

export interface Hunt {
  runs: number
  /** Whether the plan that is known to find it, if there is one, still does. */
  byKnown: boolean
  /** Missing if nothing was found. */
  found?: { seed: number; rule: string; text: string }
}

/** Most mutants fall to one of the first few seeds. */
const SEEDS_FIRST = 12

/** From now on the file of the mutant is loaded with its fault in it; the answer tells whether it was loaded. */
function loadMutated(mutant: Mutant): () => boolean {
  const url = new URL(`../../${mutant.file}`, import.meta.url).href
  const source = mutate(readFileSync(fileURLToPath(url), 'utf8'), mutant)
  let isLoaded = false
  registerHooks({
    load(asked, context, next) {
      const loaded = next(asked, context)
      if (asked !== url) return loaded
      isLoaded = true
      return { ...loaded, format: 'module-typescript', source }
    },
  })
  return () => isLoaded
}

async function find(mutant: Mutant, seeds: number): Promise<Hunt> {
  const isLoaded = loadMutated(mutant)
  const { makePlan } = await import('./make-plan.ts')
  const { makePagePlan } = await import('./page-plan.ts')
  const { makeBotPlan } = await import('./bot-plan.ts')
  const { simulatePlan } = await import('./simulate.ts')
  const { REGRESSIONS } = await import('./regressions.ts')
  const { variantsOf } = await import('./regression.ts')
  if (!isLoaded()) throw new Error(`the simulation runs without ${mutant.file}`)

  const fresh = (from: number, to: number): Iterable<Plan> =>
    seedsFrom(from, to, mutant.isOfBots ? makeBotPlan : mutant.isOfPages ? makePagePlan : makePlan)
  const known = [
    ...REGRESSIONS.filter(({ name }) => name === mutant.known).flatMap(variantsOf),
    ...(typeof mutant.known === 'number' ? fresh(mutant.known, mutant.known) : []),
  ]
  function* plans(): Iterable<Plan> {
    yield* known
    yield* fresh(1, SEEDS_FIRST)
    if (!mutant.isOfPages && !mutant.isOfBots) yield* REGRESSIONS.flatMap(variantsOf)
    yield* fresh(SEEDS_FIRST + 1, seeds)
  }
  let runs = 0
  for (const plan of plans()) {
    runs += 1
    const { violation, seed } = await simulatePlan(plan)
    if (violation === undefined) continue
    return { runs, byKnown: mutant.known === undefined || runs <= known.length, found: { seed, ...violation } }
  }
  return { runs, byKnown: false }
}

/** Made one by one: mostly the first is enough. */
function* seedsFrom(from: number, to: number, planOf: (seed: number) => Plan): Iterable<Plan> {
  for (let seed = from; seed <= to; seed++) yield planOf(seed)
}

if (import.meta.main) {
  const [mutant = '', seeds] = process.argv.slice(2)
  process.stdout.write(`${JSON.stringify(await find(JSON.parse(mutant) as Mutant, Number(seeds)))}\n`)
}
