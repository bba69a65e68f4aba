/**
 * Who is here, as the answers to `subscribe` tell it. The one place that knows; until gateways share presence over
 * Redis nobody is listed.
 */
import type { BeingId, Here, JsonObject, SpaceId } from '@rhizom/protocol'

export interface Roster {
  /** The list and the exact number of those who are here. */
  here(space: SpaceId): { here: readonly Here[]; hereCount: number }
  came(space: SpaceId, watcher: number, being: BeingId): void
  left(space: SpaceId, watcher: number): void
  stateSet(space: SpaceId, watcher: number, being: BeingId, state: JsonObject): void
}

const nobody = { here: [], hereCount: 0 } as const

export const emptyRoster: Roster = {
  here: () => nobody,
  came: () => {},
  left: () => {},
  stateSet: () => {},
}
