/**
 * The promises of the api: which mutation it called applied, at which version, and when. Each must be in the log at
 * that version, exactly once. It also measures how long after its acknowledgement a change reached a client.
 */
import type { SpaceLog } from './space-log.ts'
import { type Findings, noFindings } from './verdict.ts'

interface Promised {
  mutation: string
  at: number
}

export class Acknowledgements {
  total = 0
  /** The longest that a change took from its acknowledgement to a client, since `beginMeasuring`. */
  worstDelayMs = 0
  /** Promises that contradict each other, or an order that was not kept. */
  readonly violations: string[] = []
  readonly #bySpace = new Map<string, Map<number, Promised>>()

  add(space: string, version: number, mutation: string, at = performance.now()): void {
    this.total += 1
    const promises = this.#bySpace.get(space) ?? new Map<number, Promised>()
    this.#bySpace.set(space, promises)
    const other = promises.get(version)
    if (other !== undefined && other.mutation !== mutation)
      this.violations.push(`${space} ${version} was promised to ${other.mutation} and to ${mutation}`)
    promises.set(version, { mutation, at })
  }

  /** The newest version promised in a space. */
  highest(space: string): number {
    return Math.max(0, ...(this.#bySpace.get(space)?.keys() ?? []))
  }

  beginMeasuring(): void {
    this.worstDelayMs = 0
  }

  /** A change that nobody could acknowledge in time took this long. */
  delayed(ms: number): void {
    this.worstDelayMs = Math.max(this.worstDelayMs, ms)
  }

  /** A client came from one version to another. */
  delivered(space: string, from: number, to: number): void {
    const promises = this.#bySpace.get(space)
    if (promises === undefined) return
    const now = performance.now()
    for (let version = from + 1; version <= to; version += 1) {
      const promise = promises.get(version)
      if (promise !== undefined) this.worstDelayMs = Math.max(this.worstDelayMs, now - promise.at)
    }
  }

  /** What was promised and is not in the log, or not where it was promised. */
  judge(log: SpaceLog): Findings {
    const findings = noFindings()
    for (const [version, { mutation }] of this.#bySpace.get(log.space) ?? []) {
      const at = log.mutations.get(mutation)
      if (at === undefined) findings.lost.push(`${mutation} was acknowledged at ${version} and is not in the log`)
      else if (at !== version) findings.outOfOrder.push(`${mutation} was acknowledged at ${version} and is at ${at}`)
    }
    return findings
  }

  /** Lets go of what was judged. */
  forget(space: string): void {
    this.#bySpace.delete(space)
  }

  /** A restore undid what came after a version. */
  undo(space: string, after: number): void {
    const promises = this.#bySpace.get(space)
    for (const version of promises?.keys() ?? []) if (version > after) promises?.delete(version)
  }
}
