/**
 * Writes what rosters have to say to Redis. What comes within a moment goes together, whatever the space; writes of a
 * gateway are numbered, so that others see when one is missing.
 *
 * Who is told to be here is on its way to the others by then: a gateway that stalls after its answer, for longer than
 * the grace of the gateway they came from, would else have them called away. Only in a storm this is gathered as well.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import type { PresenceWrite } from '../core/presence/local.ts'
import type { Roster } from '../core/presence/roster.ts'
import type { PresenceStore } from '../ports.ts'
import type { PresenceMetrics } from './metrics.ts'

export interface PresenceWriterDeps {
  clock: Clock
  store: PresenceStore
  metrics: PresenceMetrics
  /** While it is not, nothing is written: everything is said again when it is. */
  isLinkUp(): boolean
  /** A write is on its way. */
  wrote(write: PresenceWrite): void
  written(writes: readonly PresenceWrite[]): void
  failed(writes: readonly PresenceWrite[], error: unknown): void
  faulted(error: unknown): void
}

const GATHER_MS = 10
/** So many times within it at most. */
const MOST_BEFORE_ANSWERS = 8

export class PresenceWriter {
  readonly #deps: PresenceWriterDeps
  readonly #waiting = new Set<Roster>()
  #timer: Cancel | undefined
  #lastWrite = 0
  #beforeAnswers = { sinceMs: 0, times: 0 }

  constructor(deps: PresenceWriterDeps) {
    this.#deps = deps
  }

  add(roster: Roster): void {
    this.#waiting.add(roster)
    this.#timer ??= this.#deps.clock.after(GATHER_MS, () => this.flush())
  }

  /** Writes what waits before somebody is answered. */
  flushBeforeAnswer(): void {
    if (this.#waiting.size === 0) return
    const nowMs = this.#deps.clock.nowMs()
    const { sinceMs, times } = this.#beforeAnswers
    const isOver = nowMs - sinceMs >= GATHER_MS
    if (!isOver && times >= MOST_BEFORE_ANSWERS) return
    this.#beforeAnswers = isOver ? { sinceMs: nowMs, times: 1 } : { sinceMs, times: times + 1 }
    this.flush()
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#timer?.()
    this.#timer = undefined
    const { store, metrics, isLinkUp, wrote, written, failed, faulted } = this.#deps
    if (!isLinkUp()) return
    const writes: PresenceWrite[] = []
    for (const roster of this.#waiting) {
      const write = roster.takeWrite(this.#lastWrite + 1)
      if (write === undefined) continue
      this.#lastWrite += 1
      wrote(write)
      writes.push(write)
    }
    this.#waiting.clear()
    if (writes.length === 0) return
    metrics.hints.inc({ direction: 'sent' }, writes.length)
    store
      .write(writes)
      .then(
        () => written(writes),
        (error: unknown) => failed(writes, error),
      )
      .catch(faulted)
  }
}
