import { mulberry32 } from '@rhizom/kit/chance.ts'

/**
 * Chance from a seed. Every part of the simulated world draws from a stream of its own, named after it, so that
 * leaving out one operation of a plan disturbs the luck of the others as little as possible: that is what lets a
 * failing plan shrink.
 */
export class Chance {
  /** In [0, 1). */
  readonly next: () => number

  constructor(seed: number, name: string) {
    this.next = mulberry32(hash(`${seed}/${name}`))
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  happens(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly [T, ...T[]]): T
  pick<T>(items: readonly T[]): T | undefined
  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.next() * items.length)]
  }

  /** A uuid of the version that ids of this product have. */
  uuid(): string {
    const hex = Array.from({ length: 8 }, () => this.int(0, 0xffff).toString(16).padStart(4, '0')).join('')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  }
}

/** FNV-1a with a last stir, so that neighbouring seeds do not resemble each other. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
