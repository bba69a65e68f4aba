/**
 * First at once, then together: the first item after quiet is handed on at once; those that come within the window
 * after it are gathered and handed on together when it ends, which opens the next one. With a key the latest of each
 * key counts; what is over `maxItems` is dropped, and `push` returns false.
 */
import type { Cancel, Clock } from './clock.ts'

export interface WindowDeps<Item> {
  clock: Pick<Clock, 'after'>
  windowMs: number
  maxItems: number
  /** What an item replaces: the earlier one of the same key. Without a key it replaces none. */
  keyOf(item: Item): string | undefined
  flush(items: readonly Item[]): void
}

export class Window<Item> {
  readonly #deps: WindowDeps<Item>
  #items = new Map<string, Item>()
  #serial = 0
  #timer: Cancel | undefined

  constructor(deps: WindowDeps<Item>) {
    this.#deps = deps
  }

  get isOpen(): boolean {
    return this.#timer !== undefined
  }

  /** False if there is no room for it in this window. */
  push(item: Item): boolean {
    if (this.#timer === undefined) {
      this.#open()
      this.#deps.flush([item])
      return true
    }
    const key = this.#deps.keyOf(item)
    const name = key === undefined ? `#${++this.#serial}` : `=${key}`
    if (this.#items.size >= this.#deps.maxItems && !this.#items.has(name)) return false
    this.#items.set(name, item)
    return true
  }

  /** Hands on what was gathered, now. The window stays open. */
  flush(): void {
    if (this.#items.size === 0) return
    const items = [...this.#items.values()]
    this.#items = new Map()
    this.#deps.flush(items)
  }

  /** Drops what was gathered. */
  stop(): void {
    this.#timer?.()
    this.#timer = undefined
    this.#items.clear()
  }

  #open(): void {
    this.#timer = this.#deps.clock.after(this.#deps.windowMs, () => {
      this.#timer = undefined
      if (this.#items.size === 0) return
      this.#open()
      this.flush()
    })
  }
}
