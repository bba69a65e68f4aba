/**
 * What is written in every comparison, and the oracle over what arrives: a mark, with a number and the time when it was
 * sent, in a text of a given length. Every system carries it as it is, so that one way of reading it serves for all
 * and costs the reading process the same: a search in bytes, no parsing. Pure.
 */

/** `~12.1700000000000~`: the number, from 1 on, and when it was sent, in milliseconds since 1970. */
export const markOf = (number: number, sentAtMs: number): string => `~${number}.${sentAtMs}~`

/** A text with a mark, so many bytes long. */
export const markedText = (number: number, sentAtMs: number, bytes: number): string =>
  markOf(number, sentAtMs).padEnd(bytes, 'lorem ipsum ')

const TILDE = 0x7e
const DOT = 0x2e
const ZERO = 0x30

/** Calls for each mark in a message, in order. */
export function eachMark(message: Buffer, found: (number: number, sentAtMs: number) => void): void {
  let at = message.indexOf(TILDE)
  while (at >= 0) {
    let number = 0
    let byte = message[++at] ?? 0
    for (; byte !== DOT && byte !== TILDE && at < message.length; byte = message[++at] ?? 0)
      number = number * 10 + byte - ZERO
    let sentAtMs = 0
    if (byte === DOT)
      for (byte = message[++at] ?? 0; byte !== TILDE && at < message.length; byte = message[++at] ?? 0)
        sentAtMs = sentAtMs * 10 + byte - ZERO
    if (byte === TILDE && sentAtMs > 0) found(number, sentAtMs)
    at = message.indexOf(TILDE, at + 1)
  }
}

export interface Findings {
  delivered: number
  twice: number
  outOfOrder: number
}

/** What one client got: each number is due once, and each after the one before it. */
export class Ear {
  #last = 0
  readonly #missing = new Set<number>()
  readonly findings: Findings = { delivered: 0, twice: 0, outOfOrder: 0 }

  /** Whether it is new to this client. */
  hear(number: number): boolean {
    if (number > this.#last) {
      for (let skipped = this.#last + 1; skipped < number; skipped += 1) this.#missing.add(skipped)
      this.#last = number
    } else if (this.#missing.delete(number)) this.findings.outOfOrder += 1
    else {
      this.findings.twice += 1
      return false
    }
    this.findings.delivered += 1
    return true
  }
}

const LONGEST_MS = 60_000

/** Delays in whole milliseconds, kept as counts, so that millions of them fit and merge exactly. */
export class Delays {
  readonly counts: number[] = []
  count = 0

  add(ms: number): void {
    const index = Math.min(LONGEST_MS, Math.max(0, Math.round(ms)))
    this.counts[index] = (this.counts[index] ?? 0) + 1
    this.count += 1
  }

  /** The delay that this share of all stay within; undefined of none. */
  at(share: number): number | undefined {
    if (this.count === 0) return undefined
    let left = share * this.count
    for (let ms = 0; ms < this.counts.length; ms += 1) {
      left -= this.counts[ms] ?? 0
      if (left <= 1e-9) return ms
    }
    return this.counts.length - 1
  }
}
