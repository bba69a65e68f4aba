/** First in, first out, each in constant time however many wait. */
export class Queue<Item> {
  #size = 0
  /** Those that come out next, the first of them at the end. */
  #front: Item[] = []
  #back: Item[] = []

  get size(): number {
    return this.#size
  }

  get first(): Item | undefined {
    this.#turn()
    return this.#front.at(-1)
  }

  push(item: Item): void {
    this.#size += 1
    this.#back.push(item)
  }

  shift(): Item | undefined {
    this.#turn()
    if (this.#size > 0) this.#size -= 1
    return this.#front.pop()
  }

  #turn(): void {
    if (this.#front.length > 0) return
    this.#front = this.#back.reverse()
    this.#back = []
  }
}
