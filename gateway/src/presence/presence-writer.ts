/**
 * Writes what rosters have to say to Redis. What comes within a moment goes together, whatever the space; writes of a
 * gateway are numbered, so that others see when one is missing.
 */
import type { SpaceRoster } from '../core/presence/roster.ts'
import type { PresenceWrite } from '../core/presence/roster-effect.ts'
import type { Cancel, Clock } from '@rhizom/machine'
import type { PresenceStore } from '../ports.ts'
import type { BeatContent } from './beat-content.ts'
import type { PresenceMetrics } from './presence-metrics.ts'

export interface PresenceWriterPorts {
  clock: Clock
  store: PresenceStore
  beats: BeatContent
  metrics: PresenceMetrics
  /** While it is not, nothing is written: everything is said again when it is. */
  isLinkUp(): boolean
  written(writes: readonly PresenceWrite[]): void
  failed(writes: readonly PresenceWrite[], error: unknown): void
}

const GATHER_MS = 10

export class PresenceWriter {
  readonly #ports: PresenceWriterPorts
  readonly #waiting = new Set<SpaceRoster>()
  #timer: Cancel | undefined
  #lastWrite = 0

  constructor(ports: PresenceWriterPorts) {
    this.#ports = ports
  }

  add(roster: SpaceRoster): void {
    this.#waiting.add(roster)
    this.#timer ??= this.#ports.clock.after(GATHER_MS, () => this.flush())
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#timer?.()
    this.#timer = undefined
    if (!this.#ports.isLinkUp()) return
    const { clock, store, beats, metrics, written, failed } = this.#ports
    const writes: PresenceWrite[] = []
    for (const roster of this.#waiting) {
      const write = roster.takeWrite(this.#lastWrite + 1)
      if (write === undefined) continue
      this.#lastWrite += 1
      beats.wrote(write.bootId, write.space, write.to, clock.dateMs())
      writes.push(write)
    }
    this.#waiting.clear()
    if (writes.length === 0) return
    metrics.hints.inc({ direction: 'sent' }, writes.length)
    store.write(writes).then(
      () => written(writes),
      (error: unknown) => failed(writes, error),
    )
  }
}
