/**
 * What Redis held of the presence of one space, and what follows of it for gateways that died: entries to be removed,
 * and beings that were there through them alone. A lease that is gone never comes back under the same name, so what it
 * left may be removed by anybody, at any time, twice.
 */
import type { BeingId, BootId, PresenceEntry } from '@rhizom/protocol'

/** Fields not understood are left out. */
export interface PresenceRead {
  entries: ReadonlyMap<BootId, ReadonlyMap<BeingId, PresenceEntry>>
  /** Of those gateways that have one: the names they had `formerly`. */
  leases: ReadonlyMap<BootId, readonly BootId[]>
  /** When each gateway sent its last heartbeat. */
  beats: ReadonlyMap<BootId, number>
}

/** Entries of gateways that are no more. */
export type Orphans = Map<BootId, BeingId[]>

/** What a dead gateway left: entries, and who is not here through others, with the time that was last known. */
export function estateIn(read: PresenceRead, dead: BootId): { orphans: BeingId[]; lost: Map<BeingId, number> } {
  const entries = read.entries.get(dead)
  if (entries === undefined || read.leases.has(dead)) return { orphans: [], lost: new Map() }
  const orphans = [...entries.keys()]
  // It goes on under another name, with the same connections.
  if ([...read.leases.values()].some((formerly) => formerly.includes(dead))) return { orphans, lost: new Map() }
  const living = [...read.leases.keys()].map((boot) => read.entries.get(boot))
  const lost = [...lastSeenThrough(entries, read.beats.get(dead) ?? 0)].filter(
    ([being]) => !living.some((part) => part?.has(being)),
  )
  return { orphans, lost: new Map(lost) }
}

/** Somebody whom nobody saw leave was here at the last heartbeat of the gateway, or came or did something after it. */
export const lastSeenThrough = (entries: ReadonlyMap<BeingId, PresenceEntry>, beatAt: number): Map<BeingId, number> =>
  new Map([...entries].map(([being, { since, setAt }]) => [being, Math.max(since, setAt, beatAt)] as const))
