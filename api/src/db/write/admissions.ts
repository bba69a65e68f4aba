/**
 * Asks for many requests at once what admission.ts reads: those that come while a question is under way share the next
 * one, so that writers pay a fraction of a query each, as they do for their commit (group-commit.ts).
 */
import type { Readability, Asking } from '../read/admission.ts'

interface WaitingQuestion {
  asking: Asking
  resolve: (admission: Readability) => void
  reject: (error: unknown) => void
}

export class Admissions {
  readonly #read: (asking: readonly Asking[]) => Promise<Readability[]>
  readonly #most: number
  #waiting: WaitingQuestion[] = []
  #isAsking = false

  /** At most `most` questions go together. */
  constructor(read: (asking: readonly Asking[]) => Promise<Readability[]>, most: number) {
    this.#read = read
    this.#most = most
  }

  /** Rejects as the read does. */
  ask(asking: Asking): Promise<Readability> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ asking, resolve, reject })
      if (!this.#isAsking) void this.#run()
    })
  }

  /** Never rejects: what goes wrong is told to those who wait. */
  async #run(): Promise<void> {
    this.#isAsking = true
    // Whoever asks in the same moment, as the parts of one batch do, shares the first question.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#most)
      try {
        const admissions = await this.#read(batch.map(({ asking }) => asking))
        for (const [index, { resolve, reject }] of batch.entries()) {
          const admission = admissions[index]
          if (admission === undefined) reject(new Error('a question without an answer'))
          else resolve(admission)
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isAsking = false
  }
}
