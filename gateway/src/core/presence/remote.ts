/**
 * Who is in one space through other gateways, as this one knows it: a copy of the space's hash in Redis, kept current by
 * hints. How each loss heals:
 *
 * - A hint lost between others shows in the next of the same gateway (`from` is a write that is not in): read.
 * - The last hint lost shows in that gateway's beat, which lists what it wrote lately: read, if the hint is not merely late.
 * - All hints lost (Redis away, this gateway cut off): the roster says that it is frozen, and reads when it is back.
 * - The reader was slow: hints that come during a read are kept and applied over it. Each is safe to apply twice.
 * - Redis went back in time (a replica that lagged was promoted): who is missing in the first reads is kept, until its
 *   gateway has said again who is here through it, or had the time to.
 * - Redis lost the hash: its gateways write their entries again under new boot ids (lease.ts) and say which id they had.
 *   A gateway whose lease is missing while our own was missing too is doubted and kept, until it is heard of or overdue.
 */
import type { Moment } from '@rhizom/machine'
import type { BeingId, BootId, PresenceEntry, PresenceHint, Range } from '@rhizom/protocol'
import type { GatewayIdentity } from './lease.ts'
import type { MergedPresence } from './merged.ts'

/** What Redis held of one space. Fields not understood are left out. */
export interface PresenceRead {
  entries: ReadonlyMap<BootId, ReadonlyMap<BeingId, PresenceEntry>>
  /** Of those gateways that have one: the names they had before. */
  leases: ReadonlyMap<BootId, readonly BootId[]>
  /** The date of each gateway's last heartbeat. */
  heartbeats: ReadonlyMap<BootId, number>
}

/**
 * Entries of gateways that are no more. A lease that is gone never comes back under the same name, so these may be
 * removed by anybody, at any time, twice.
 */
export type Orphans = Map<BootId, BeingId[]>

/** A write of another gateway, as its hint tells it: `range.epoch` is the boot id. */
export interface ReceivedHint {
  range: Range
  hint: PresenceHint
}

export interface ReadOutcome {
  orphans: Orphans
  /** Who was here through one of them, and when that was last known. */
  lost: Map<BeingId, number>
}

const NOBODY: ReadonlyMap<BeingId, PresenceEntry> = new Map()
/** A beat may overtake the hint it speaks of, for this long. */
const LATE_HINT_MS = 500
/** Within this of its return all gateways are at Redis again, and have said who is here through them. */
const SAID_AGAIN_MS = 1500

export class RemotePresence {
  readonly #merged: MergedPresence
  /** For each gateway the last of its writes that is known to be in. */
  readonly #parts = new Map<BootId, number>()
  readonly #doubted = new Set<BootId>()
  readonly #suspects = new Map<BootId, { rev: number; atMs: number }>()
  /** Writes that are known of and not in: a read that begins later shows them. */
  readonly #floors = new Map<BootId, number>()
  #reading: { floors: Map<BootId, number>; received: ReceivedHint[] } | undefined
  #hasRead = false
  /** Until then whoever is missing in the first reads after Redis was away is kept. */
  #trustsAt: number | 'after the next read' = 0
  readonly #kept = new Set<BootId>()
  #wantsRead = false

  constructor(merged: MergedPresence) {
    this.#merged = merged
  }

  /** Whether this is who is here, as far as anybody knows. */
  get isExact(): boolean {
    return this.#hasRead && this.#doubted.size === 0
  }

  /** Whether a read is due and none is under way. */
  get wantsRead(): boolean {
    return this.#wantsRead && this.#reading === undefined
  }

  get wakesAtMs(): number | undefined {
    const dues = [...this.#suspects.values()].map(({ atMs }) => atMs)
    if (this.#kept.size > 0 && typeof this.#trustsAt === 'number') dues.push(this.#trustsAt)
    return dues.length === 0 ? undefined : Math.min(...dues)
  }

  /** Gateways whose leases matter here. */
  boots(): BootId[] {
    return [...this.#parts.keys(), ...this.#doubted, ...(this.#reading?.floors.keys() ?? [])]
  }

  readWanted(): void {
    this.#wantsRead = true
  }

  readBegan(): void {
    this.#wantsRead = false
    const floors = new Map(this.#parts)
    for (const [boot, rev] of this.#floors) floors.set(boot, Math.max(rev, floors.get(boot) ?? 0))
    this.#floors.clear()
    this.#reading = { floors, received: [] }
  }

  /** What is known may be out of date from now on, and no answer under way will do. */
  lose(): void {
    this.#trustsAt = 'after the next read'
    this.#kept.clear()
    this.#reading = undefined
    this.#hasRead = false
    this.#suspects.clear()
  }

  /** Nobody looks at this space any more. */
  forget(): void {
    this.lose()
    this.#trustsAt = 0
    this.#wantsRead = false
    for (const boot of [...this.#parts.keys()]) this.#drop(boot)
  }

  hintReceived(received: ReceivedHint): void {
    this.#reading?.received.push(received)
    if (this.#hasRead) this.#apply(received)
  }

  /** A gateway says up to where it wrote. */
  headReceived(bootId: BootId, rev: number, { nowMs }: Moment): void {
    if (this.#hasRead && !this.#suspects.has(bootId) && (this.#parts.get(bootId) ?? 0) < rev)
      this.#suspects.set(bootId, { rev, atMs: nowMs + LATE_HINT_MS })
  }

  timePassed({ nowMs }: Moment): void {
    if (this.#kept.size > 0 && typeof this.#trustsAt === 'number' && this.#trustsAt <= nowMs) {
      this.#kept.clear()
      this.#wantsRead = true
    }
    for (const [boot, { rev, atMs }] of this.#suspects) {
      if (atMs > nowMs) continue
      this.#suspects.delete(boot)
      if ((this.#parts.get(boot) ?? 0) < rev) this.#missed(boot, rev)
    }
  }

  /** `own` is this gateway: the fields of its present name are judged by the caller. */
  readDone(read: PresenceRead, own: GatewayIdentity, areLeasesTrusted: boolean, at: Moment): ReadOutcome {
    const { nowMs, dateMs } = at
    const outcome: ReadOutcome = { orphans: new Map(), lost: new Map() }
    const reading = this.#reading
    if (reading === undefined) return outcome
    this.#reading = undefined
    if (typeof this.#trustsAt !== 'number') this.#trustsAt = nowMs + SAID_AGAIN_MS
    const replaced = new Set([...own.previousBootIds, ...[...read.leases.values()].flat()])
    // Gateways heard of for the first time during the read were not asked for: they stay as their hints made them.
    for (const boot of new Set([...read.entries.keys(), ...reading.floors.keys()])) {
      if (boot === own.bootId) continue
      const entries = read.entries.get(boot) ?? NOBODY
      if (read.leases.has(boot)) {
        if (this.#isSuspicious(boot, entries, nowMs)) this.#keep(boot, entries)
        else this.#take(boot, entries, reading.floors.get(boot) ?? 0)
      } else if (replaced.has(boot)) this.#removePart(boot, entries, outcome)
      else if (areLeasesTrusted) {
        const known = this.#merged.entriesOf(boot)
        const heartbeatAt = read.heartbeats.get(boot) ?? (known.size > 0 ? dateMs : 0)
        for (const [being, at] of lastSeenThrough(new Map([...entries, ...known]), heartbeatAt))
          outcome.lost.set(being, Math.max(at, outcome.lost.get(being) ?? 0))
        this.#removePart(boot, entries, outcome)
      } else {
        // Redis lost what it held: what is missing was not taken out by anybody.
        for (const [being, entry] of entries) this.#merged.put(boot, being, entry)
        if (this.#merged.beingsOf(boot).length > 0) this.#doubted.add(boot)
      }
    }
    this.#hasRead = true
    for (const received of reading.received) this.#apply(received)
    return outcome
  }

  /** The lease of a gateway has run out, or it said that it stops. Gives those who were here through it, and until when. */
  gone(boot: BootId, heartbeatAt: number): Map<BeingId, number> {
    const lost = lastSeenThrough(this.#merged.entriesOf(boot), heartbeatAt)
    this.#drop(boot)
    return lost
  }

  #apply({ range: { epoch: bootId, from, to }, hint }: ReceivedHint): void {
    const rev = this.#parts.get(bootId) ?? 0
    if (to > rev) {
      if (hint.put === undefined) this.#missed(bootId, to)
      else {
        if (from === 0) {
          this.#merged.replace(bootId, new Map(Object.entries(hint.put)))
          this.#doubted.delete(bootId)
          this.#kept.delete(bootId)
        } else for (const [being, entry] of Object.entries(hint.put)) this.#merged.put(bootId, being, entry)
        for (const being of Object.keys(hint.left)) this.#merged.remove(bootId, being)
        // After a read this may only be a removal that the entries did not tell; one more read settles it.
        if (from > rev) this.#missed(bootId, to)
        this.#parts.set(bootId, to)
      }
    }
    // After its successor is in, so that nobody blinks; one whose entries have yet to be read goes with that read.
    for (const former of hint.formerly) {
      if (hint.put === undefined) this.#doubted.delete(former)
      else this.#drop(former)
    }
  }

  /** Redis may have gone back in time (a replica that lagged): then its owner is about to say it again. */
  #isSuspicious(boot: BootId, entries: ReadonlyMap<BeingId, PresenceEntry>, nowMs: number): boolean {
    return (
      typeof this.#trustsAt === 'number' &&
      nowMs < this.#trustsAt &&
      this.#merged.beingsOf(boot).some((being) => !entries.has(being))
    )
  }

  #keep(boot: BootId, entries: ReadonlyMap<BeingId, PresenceEntry>): void {
    for (const [being, entry] of entries) this.#merged.put(boot, being, entry)
    this.#doubted.add(boot)
    this.#kept.add(boot)
  }

  #missed(boot: BootId, rev: number): void {
    this.#floors.set(boot, Math.max(rev, this.#floors.get(boot) ?? 0))
    this.#wantsRead = true
  }

  #take(boot: BootId, entries: ReadonlyMap<BeingId, PresenceEntry>, floor: number): void {
    let rev = floor
    for (const entry of entries.values()) rev = Math.max(rev, entry.rev)
    this.#merged.replace(boot, entries)
    this.#parts.set(boot, rev)
    this.#doubted.delete(boot)
  }

  #removePart(boot: BootId, entries: ReadonlyMap<BeingId, PresenceEntry>, { orphans }: ReadOutcome): void {
    if (entries.size > 0) orphans.set(boot, [...entries.keys()])
    this.#drop(boot)
  }

  #drop(boot: BootId): void {
    this.#kept.delete(boot)
    this.#merged.replace(boot, NOBODY)
    this.#parts.delete(boot)
    this.#doubted.delete(boot)
    this.#suspects.delete(boot)
    this.#floors.delete(boot)
  }
}

/** What a dead gateway left: entries, and who is not here through others, with the time that was last known. */
export function orphansOf(read: PresenceRead, dead: BootId): { orphans: BeingId[]; lost: Map<BeingId, number> } {
  const entries = read.entries.get(dead)
  if (entries === undefined || read.leases.has(dead)) return { orphans: [], lost: new Map() }
  const orphans = [...entries.keys()]
  // It goes on under another name, with the same connections.
  if ([...read.leases.values()].some((previous) => previous.includes(dead))) return { orphans, lost: new Map() }
  const living = [...read.leases.keys()].map((boot) => read.entries.get(boot))
  const lost = [...lastSeenThrough(entries, read.heartbeats.get(dead) ?? 0)].filter(
    ([being]) => !living.some((part) => part?.has(being)),
  )
  return { orphans, lost: new Map(lost) }
}

/** Somebody whom nobody saw leave was here at the last heartbeat of the gateway, or came or did something after it. */
export const lastSeenThrough = (
  entries: ReadonlyMap<BeingId, PresenceEntry>,
  heartbeatAt: number,
): Map<BeingId, number> =>
  new Map([...entries].map(([being, { since, setAt }]) => [being, Math.max(since, setAt, heartbeatAt)] as const))
