/**
 * Answers that were encoded, by the version that they begin at, while the position they reach stands: after a crash of
 * another gateway many ask for the same.
 */
import type { OpenFrame } from '../core/feed/open-frame.ts'

const MAX_KEPT = 32

export class EncodedResumes {
  readonly #byFrom = new Map<number, OpenFrame>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get(from: number): OpenFrame | undefined {
    return this.#byFrom.get(from)
  }

  keep(from: number, resumed: OpenFrame): void {
    if (this.#byFrom.size >= MAX_KEPT || this.#byFrom.has(from)) return
    this.#byFrom.set(from, resumed)
    this.#bytes += resumed.bytes.length
  }

  clear(): void {
    this.#byFrom.clear()
    this.#bytes = 0
  }
}
