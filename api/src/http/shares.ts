/**
 * A bound that many share, and how much of it one address or one actor may have: whoever floods a node meets their own
 * share first, and the rest is there for everybody else. A token is free, so actors are counted as well as addresses;
 * either may be unknown, and is then not counted.
 */
export interface Bounds {
  /** Of all together. */
  all: number
  perAddress: number
  perActor: number
}

export interface Holder {
  address: string | undefined
  actor: string | undefined
}

/** Whose bound is reached. */
export type Reached = 'all' | 'address' | 'actor'

export class Shares {
  readonly #bounds: Bounds
  readonly #heldBy = new Map<string, number>()
  #held = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  get held(): number {
    return this.#held
  }

  /** How many addresses and actors hold something. */
  get holders(): number {
    return this.#heldBy.size
  }

  /** Takes it, or tells which bound is in the way and takes nothing. */
  take({ address, actor }: Holder, amount: number): Reached | undefined {
    const { all, perAddress, perActor } = this.#bounds
    if (actor !== undefined && this.#of(actorKey(actor)) + amount > perActor) return 'actor'
    if (address !== undefined && this.#of(addressKey(address)) + amount > perAddress) return 'address'
    if (this.#held + amount > all) return 'all'
    this.#add({ address, actor }, amount)
    return undefined
  }

  /** Gives back what was taken. */
  give(holder: Holder, amount: number): void {
    this.#add(holder, -amount)
  }

  #of(key: string): number {
    return this.#heldBy.get(key) ?? 0
  }

  #add({ address, actor }: Holder, amount: number): void {
    this.#held += amount
    if (address !== undefined) this.#set(addressKey(address), amount)
    if (actor !== undefined) this.#set(actorKey(actor), amount)
  }

  #set(key: string, change: number): void {
    const held = this.#of(key) + change
    if (held > 0) this.#heldBy.set(key, held)
    else this.#heldBy.delete(key)
  }
}

const addressKey = (address: string): string => `address ${address}`
const actorKey = (actor: string): string => `actor ${actor}`
