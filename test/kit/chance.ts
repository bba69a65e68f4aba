/** Chance from a seed, so that a run can be repeated: the same seed, the same choices in the same order. */
import { mulberry32 } from '@rhizom/machine/testing'

export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number
  pick<T>(items: readonly T[]): T
}

export { mulberry32 }

export function seeded(seed: number): Random {
  const next = mulberry32(seed)
  const below = (bound: number): number => Math.floor(next() * bound)
  return {
    next,
    below,
    pick: (items) => {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
  }
}
