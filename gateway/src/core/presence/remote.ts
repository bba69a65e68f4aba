/**
 * Who is in one space through other gateways, as this one knows it: a copy of the space's hash in Redis.
 *
 * The writes of a gateway are to this copy what the changes of a space are to a feed: numbered, each naming the one
 * before it, under a boot id that never comes back. A hint is a run of them, the hash is a snapshot, a heartbeat tells
 * heads; `place` of the protocol decides. A hint that was lost shows as a gap before the next, or in a heartbeat: then
 * the hash is read. Hints that come during a read are applied over it, as each may be applied twice.
 *
 * Where Redis may have lost something (lease.ts) a read only adds, and a gateway whose part is not whole is doubted.
 */
import { type Moment, soonest } from '@rhizom/machine'
import { type BootId, isBehind, type PresenceHint, place, type Position, type Range } from '@rhizom/protocol'
import type { GatewayIdentity, Trust } from './lease.ts'
import { type MergedPresence, NOBODY, type Part } from './merged.ts'

/** What Redis held of one space. Fields not understood are left out. */
export interface PresenceRead {
  /** Undefined if something else lies in its place: then nothing is known of them. */
  entries: ReadonlyMap<BootId, Part> | undefined
  /** Of those gateways that have one: the names they had before. */
  leases: ReadonlyMap<BootId, readonly BootId[]>
  /** The date of each gateway's last heartbeat. */
  heartbeats: ReadonlyMap<BootId, number>
}

/** A write of another gateway, as its hint tells it: `range.epoch` is the boot id. */
export interface ReceivedHint {
  range: Range<BootId>
  hint: PresenceHint
}

/** What is known of one gateway's writes: that all up to `rev` is in, or will be by a read that is due. */
type Progress =
  | { status: 'current'; rev: number }
  /** Its heartbeat claims a write whose hint may be merely late. */
  | { status: 'suspected'; rev: number; claimed: number; checkAtMs: number }
  /** Redis lacks its lease or some of its entries, which proves nothing yet: all who were here stay. */
  | { status: 'doubted'; rev: number }

type Reading =
  | { status: 'idle' | 'due' }
  | {
      status: 'underway'
      readSeq: number
      /** Up to where each gateway's writes were known when it began: the answer shows that and more. */
      floors: ReadonlyMap<BootId, number>
      received: ReceivedHint[]
      /** What follows it: another if something came up meanwhile that it may not show. */
      next: 'idle' | 'due'
    }

/** A heartbeat may overtake the hint it speaks of, for this long. */
const LATE_HINT_MS = 500

export class RemotePresence {
  readonly #merged: MergedPresence
  readonly #gateways = new Map<BootId, Progress>()
  /** Whether there is a copy, of which hints tell how it changes. */
  #isRead = false
  #reading: Reading = { status: 'idle' }
  #readSeq = 0

  constructor(merged: MergedPresence) {
    this.#merged = merged
  }

  /** Whether this is who is here, as far as anybody knows. */
  get isExact(): boolean {
    return this.#isRead && [...this.#gateways.values()].every(({ status }) => status !== 'doubted')
  }

  get isReadDue(): boolean {
    return this.#reading.status === 'due'
  }

  get wakesAtMs(): number | undefined {
    return soonest([...this.#gateways.values()].map((one) => (one.status === 'suspected' ? one.checkAtMs : undefined)))
  }

  /** Gateways whose leases matter here. */
  boots(): BootId[] {
    return [...this.#gateways.keys()]
  }

  /** The hash is to be read, if it is being read then once more. */
  wantRead(): void {
    this.#reading = this.#reading.status === 'underway' ? { ...this.#reading, next: 'due' } : { status: 'due' }
  }

  /** What was only added to is to be read once more. */
  trustRestored(): void {
    if (this.#reading.status === 'underway' || !this.isExact) this.wantRead()
  }

  /** Names the read that begins now. */
  beginRead(): number {
    const floors = new Map([...this.#gateways].map(([boot, { rev }]) => [boot, rev] as const))
    this.#reading = { status: 'underway', readSeq: ++this.#readSeq, floors, received: [], next: 'idle' }
    return this.#readSeq
  }

  /** What is known may be out of date from now on, and no answer under way will do. */
  lose(): void {
    this.#isRead = false
    this.#reading = { status: 'idle' }
  }

  forget(): void {
    this.lose()
    for (const boot of this.boots()) this.removePart(boot)
  }

  hintReceived(received: ReceivedHint): void {
    if (this.#reading.status === 'underway') this.#reading.received.push(received)
    if (this.#isRead) this.#apply(received)
  }

  /** Another gateway says up to where it wrote: `head.epoch` is its boot id. */
  headReceived(head: Position<BootId>, { nowMs }: Moment): void {
    const { epoch, version: claimed } = head
    const known = this.#progressOf(epoch)
    if (!this.#isRead || !isBehind({ epoch, version: known.rev }, head)) return
    if (known.status === 'current')
      this.#gateways.set(epoch, { status: 'suspected', rev: known.rev, claimed, checkAtMs: nowMs + LATE_HINT_MS })
    else if (known.status === 'suspected')
      this.#gateways.set(epoch, { ...known, claimed: Math.max(claimed, known.claimed) })
  }

  timePassed({ nowMs }: Moment): void {
    for (const [boot, known] of this.#gateways) {
      if (known.status !== 'suspected' || known.checkAtMs > nowMs) continue
      this.#gateways.set(boot, { status: 'current', rev: known.claimed })
      this.wantRead()
    }
  }

  /**
   * Gateways that are no more and have entries in the hash; undefined if the answer was overtaken. `own` is this
   * gateway, whose fields the caller judges.
   */
  readAnswered(readSeq: number, read: PresenceRead, own: GatewayIdentity, trust: Trust): BootId[] | undefined {
    const reading = this.#reading
    if (reading.status !== 'underway' || reading.readSeq !== readSeq) return undefined
    const { floors, received, next } = reading
    const gone: BootId[] = []
    const replaced = new Set([...own.previousBootIds, ...[...read.leases.values()].flat()])
    // Gateways heard of for the first time during the read were not asked for: they stay as their hints made them.
    for (const boot of new Set([...(read.entries?.keys() ?? []), ...floors.keys()])) {
      if (boot === own.bootId) continue
      const before = this.#merged.partOf(boot)
      const found = read.entries === undefined ? before : (read.entries.get(boot) ?? NOBODY)
      const isAlive = read.leases.has(boot)
      if (isAlive && (trust !== 'nothing' || [...before.keys()].every((being) => found.has(being)))) {
        this.#take(boot, found, floors.get(boot) ?? 0)
      } else if (isAlive || (trust !== 'leases' && !replaced.has(boot))) {
        this.#doubt(boot, found)
      } else {
        if (found.size > 0) gone.push(boot)
        this.removePart(boot)
      }
    }
    this.#isRead = true
    this.#reading = { status: next }
    for (const hint of received) this.#apply(hint)
    return gone
  }

  removePart(boot: BootId): void {
    this.#merged.replace(boot, NOBODY)
    this.#gateways.delete(boot)
  }

  #progressOf(boot: BootId): Progress {
    return this.#gateways.get(boot) ?? { status: 'current', rev: 0 }
  }

  #apply({ range, hint }: ReceivedHint): void {
    const { epoch: boot, from, to } = range
    const { put, left, formerly } = hint
    const known = this.#progressOf(boot)
    const placement = place({ epoch: boot, version: known.rev }, range)
    if (placement !== 'old') {
      if (put === undefined || placement === 'gap') this.wantRead()
      // The first write under a name, or after Redis was away, is all there is.
      const isWhole = put !== undefined && from === 0
      if (isWhole) this.#merged.replace(boot, NOBODY)
      for (const [being, entry] of Object.entries(put ?? {})) this.#merged.put(boot, being, entry)
      for (const being of Object.keys(left)) this.#merged.remove(boot, being)
      this.#gateways.set(boot, known.status === 'doubted' && !isWhole ? { ...known, rev: to } : upTo(known, to))
    }
    // After its successor is in, so that nobody blinks; one whose entries have yet to be read goes with that read.
    if (put !== undefined) for (const previous of formerly) this.removePart(previous)
  }

  #take(boot: BootId, entries: Part, floor: number): void {
    const rev = [...entries.values()].reduce((latest, entry) => Math.max(latest, entry.rev), floor)
    this.#merged.replace(boot, entries)
    this.#gateways.set(boot, upTo(this.#progressOf(boot), rev))
  }

  #doubt(boot: BootId, entries: Part): void {
    for (const [being, entry] of entries) this.#merged.put(boot, being, entry)
    const { rev } = this.#progressOf(boot)
    if (this.#merged.partOf(boot).size > 0) this.#gateways.set(boot, { status: 'doubted', rev })
  }
}

/** All up to `rev` is in. What was claimed meanwhile and goes beyond it stays to be looked for. */
const upTo = (known: Progress, rev: number): Progress =>
  known.status === 'suspected' && known.claimed > rev ? { ...known, rev } : { status: 'current', rev }
