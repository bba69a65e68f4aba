/**
 * Writes what rosters have to say to Redis. What comes within a moment goes together, whatever the space; writes of a
 * gateway are numbered, so that others see when one is missing.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import type { PresenceWrite } from '../core/presence/local.ts'
import type { Roster } from '../core/presence/roster.ts'

export interface PresenceWriterDeps {
  clock: Clock
  /** While it is not, nothing is written: everything is said again when it is. */
  isLinkUp(): boolean
  write(writes: readonly PresenceWrite[]): void
}

const GATHER_MS = 10

export class PresenceWriter {
  readonly #deps: PresenceWriterDeps
  readonly #waiting = new Set<Roster>()
  #timer: Cancel | undefined
  #lastWrite = 0

  constructor(deps: PresenceWriterDeps) {
    this.#deps = deps
  }

  add(roster: Roster): void {
    this.#waiting.add(roster)
    this.#timer ??= this.#deps.clock.after(GATHER_MS, () => this.flush())
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#timer?.()
    this.#timer = undefined
    if (!this.#deps.isLinkUp()) return
    const writes: PresenceWrite[] = []
    for (const { local, space } of this.#waiting) {
      const write = local.takeWrite(space, this.#lastWrite + 1)
      if (write === undefined) continue
      this.#lastWrite += 1
      writes.push(write)
    }
    this.#waiting.clear()
    if (writes.length > 0) this.#deps.write(writes)
  }
}
