/** A map by two keys, such as the members of spaces: one map of the second key and the value for each first key. */
export class PairMap<First, Second, Value> {
  readonly #rows = new Map<First, Map<Second, Value>>()

  get(first: First, second: Second): Value | undefined {
    return this.#rows.get(first)?.get(second)
  }

  /** All of one first key. */
  of(first: First): ReadonlyMap<Second, Value> {
    return this.#rows.get(first) ?? new Map<Second, Value>()
  }

  firsts(): Iterable<First> {
    return this.#rows.keys()
  }

  set(first: First, second: Second, value: Value): void {
    const row = this.#rows.get(first)
    if (row === undefined) this.#rows.set(first, new Map([[second, value]]))
    else row.set(second, value)
  }

  delete(first: First, second: Second): void {
    this.#rows.get(first)?.delete(second)
  }

  deleteAll(first: First): void {
    this.#rows.delete(first)
  }

  /** A copy whose entries can be replaced without altering the original's. */
  copy(): PairMap<First, Second, Value> {
    const copy = new PairMap<First, Second, Value>()
    for (const [first, row] of this.#rows) copy.#rows.set(first, new Map(row))
    return copy
  }
}
