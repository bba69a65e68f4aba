/**
 * Answers that were encoded, by the version that they begin at, while the position they reach stands: after a crash of
 * another gateway many ask for the same.
 */
const MAX_KEPT = 32

export class EncodedResumes {
  readonly #byFrom = new Map<number, Uint8Array>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get(from: number): Uint8Array | undefined {
    return this.#byFrom.get(from)
  }

  keep(from: number, body: Uint8Array): void {
    if (this.#byFrom.size >= MAX_KEPT || this.#byFrom.has(from)) return
    this.#byFrom.set(from, body)
    this.#bytes += body.length
  }

  clear(): void {
    this.#byFrom.clear()
    this.#bytes = 0
  }
}
