/**
 * The rosters of one gateway: one for each space that is watched here or in which somebody is here through it, made when
 * it is first needed and let go of when nothing would be lost with it.
 */
import type { SpaceId } from '@rhizom/protocol'
import type { SpaceRoster } from '../core/presence/roster.ts'
import type { RosterEffect } from '../core/presence/roster-effect.ts'
import type { Clock } from '@rhizom/machine'
import { type Happening, SpacePresence } from './space-presence.ts'

export interface RostersPorts {
  clock: Clock
  open(space: SpaceId): SpaceRoster
  /** The roster is there; it has to be told how things stand. */
  opened(space: SpacePresence): void
  closed(space: SpaceId): void
  carryOut(space: SpacePresence, effect: RosterEffect): void
  /** Something happened to one of them. */
  changed(): void
}

export class Rosters {
  readonly #ports: RostersPorts
  readonly #spaces = new Map<SpaceId, SpacePresence>()

  constructor(ports: RostersPorts) {
    this.#ports = ports
  }

  get(id: SpaceId): SpacePresence | undefined {
    return this.#spaces.get(id)
  }

  has(id: SpaceId): boolean {
    return this.#spaces.has(id)
  }

  keys(): IterableIterator<SpaceId> {
    return this.#spaces.keys()
  }

  values(): IterableIterator<SpacePresence> {
    return this.#spaces.values()
  }

  obtain(id: SpaceId): SpacePresence {
    const known = this.#spaces.get(id)
    if (known !== undefined) return known
    const { clock, open, opened, carryOut } = this.#ports
    const space = new SpacePresence(open(id), { clock, carryOut, woke: (where, happen) => this.with(where, happen) })
    this.#spaces.set(id, space)
    opened(space)
    return space
  }

  /** Lets something happen to a roster. What comes late for one that was let go of must not touch its successor. */
  with(space: SpacePresence | undefined, happen: Happening): void {
    if (space === undefined) return
    const { space: id } = space.roster
    if (this.#spaces.get(id) !== space) return
    space.run(happen)
    if (space.roster.isIdle) {
      space.stop()
      this.#spaces.delete(id)
      this.#ports.closed(id)
    }
    this.#ports.changed()
  }

  withAll(happen: Happening): void {
    for (const space of [...this.#spaces.values()]) this.with(space, happen)
  }

  stop(): void {
    for (const space of this.#spaces.values()) space.stop()
    this.#spaces.clear()
  }
}
