/** A plan that is kept, and the variants of it that are run. */
import type { Plan } from './plan.ts'

export interface Regression {
  name: string
  /** What it found. */
  found: string
  /** How many seeds' luck it is run with. */
  luck: number
  plan: Plan
}

/** The plan as it was, and with the luck of other seeds. */
export const variantsOf = ({ plan, luck }: Regression): Plan[] =>
  Array.from({ length: luck }, (_, more) => ({ ...plan, seed: plan.seed + more }))
