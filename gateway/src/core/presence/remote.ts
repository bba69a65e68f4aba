/**
 * Who is in one space through other gateways, as this one knows it: a copy of the space's hash in Redis.
 *
 *   unread ── read begins ──► reading ── done ──► read ◄──► rereading
 *
 * The writes of a gateway are to this copy what the changes of a space are to a feed: numbered, each naming the one
 * before it, under a boot id that never comes back. A hint is a run of them, the hash is a snapshot, a heartbeat tells
 * heads; `place` of the protocol decides. How each loss heals:
 *
 * - A hint lost between others is a gap before the next of the same gateway: read.
 * - The last hint lost shows in that gateway's heartbeat: read, if the hint is not merely late.
 * - All hints lost (Redis away, this gateway cut off): nothing is exact, and the hash is read when Redis is back.
 * - The reader was slow: hints that come during a read are kept and applied over it. Each is safe to apply twice.
 * - Redis lost something (emptied, or a replica that lagged was promoted): what is missing proves nothing until it is
 *   trusted again (lease.ts). Until then a read only adds, and whose part is not whole is doubted.
 */
import type { Moment } from '@rhizom/machine'
import {
  type BeingId,
  type BootId,
  isBehind,
  type PresenceEntry,
  type PresenceHint,
  place,
  type Position,
  type Range,
} from '@rhizom/protocol'
import type { GatewayIdentity, Trust } from './lease.ts'
import type { MergedPresence } from './merged.ts'

/** What Redis held of one space. Fields not understood are left out. */
export interface PresenceRead {
  /** Undefined if something else lies in its place: then nothing is known of them. */
  entries: ReadonlyMap<BootId, ReadonlyMap<BeingId, PresenceEntry>> | undefined
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
  /** When those among them were last seen who are not here through a successor of their gateway. */
  lastSeen: Map<BeingId, number>
  /** The hash is to be read once more. */
  readWanted: boolean
}

/** What is known of one gateway's writes: all up to `rev`, unless it is behind. */
type Part =
  | { status: 'current'; rev: number }
  /** Its heartbeat claims a write whose hint may be merely late. */
  | { status: 'suspected'; rev: number; claimed: number; checkAtMs: number }
  /** Some write up to `claimed` is not in: a read that begins later shows it. */
  | { status: 'behind'; rev: number; claimed: number }
  /** Redis lacks its lease or some of its entries, which proves nothing yet: all who were here stay. */
  | { status: 'doubted'; rev: number }

interface UnderWay {
  /** What was known of each gateway's writes when the read began: the answer shows that and more. */
  floors: ReadonlyMap<BootId, number>
  received: ReceivedHint[]
  /** Another one is to follow it. */
  again: boolean
}

type Copy = { status: 'unread' | 'read' } | ({ status: 'reading' | 'rereading' } & UnderWay)

const NOBODY: ReadonlyMap<BeingId, PresenceEntry> = new Map()
const UNKNOWN: Part = { status: 'current', rev: 0 }
/** A heartbeat may overtake the hint it speaks of, for this long. */
const LATE_HINT_MS = 500

export class RemotePresence {
  readonly #merged: MergedPresence
  readonly #parts = new Map<BootId, Part>()
  #copy: Copy = { status: 'unread' }

  constructor(merged: MergedPresence) {
    this.#merged = merged
  }

  /** Whether this is who is here, as far as anybody knows. */
  get isExact(): boolean {
    return this.#isRead && [...this.#parts.values()].every(({ status }) => status !== 'doubted')
  }

  /** Whether no read is under way, and none would tell more. */
  get isSettled(): boolean {
    return this.#copy.status === 'read' && this.isExact
  }

  get wakesAtMs(): number | undefined {
    const dueMs = [...this.#parts.values()].flatMap((part) => (part.status === 'suspected' ? part.checkAtMs : []))
    return dueMs.length === 0 ? undefined : Math.min(...dueMs)
  }

  /** Gateways whose leases matter here. */
  boots(): BootId[] {
    return [...this.#parts.keys()]
  }

  /** True if a read begins now; while one is under way another one follows it. */
  beginRead(): boolean {
    if ('floors' in this.#copy) {
      this.#copy.again = true
      return false
    }
    const floors = new Map<BootId, number>()
    for (const [boot, part] of this.#parts) {
      floors.set(boot, part.status === 'behind' ? Math.max(part.rev, part.claimed) : part.rev)
      if (part.status === 'behind') this.#parts.set(boot, { status: 'current', rev: floors.get(boot) ?? part.rev })
    }
    this.#copy = { status: this.#isRead ? 'rereading' : 'reading', floors, received: [], again: false }
    return true
  }

  /** What is known may be out of date from now on, and no answer under way will do. */
  lose(): void {
    this.#copy = { status: 'unread' }
    for (const [boot, { status, rev }] of this.#parts)
      if (status === 'suspected') this.#parts.set(boot, { status: 'current', rev })
  }

  /** Nobody looks at this space any more. */
  forget(): void {
    this.#copy = { status: 'unread' }
    for (const boot of this.boots()) this.removePart(boot)
  }

  /** True if the hash has to be read. */
  hintReceived(received: ReceivedHint): boolean {
    if ('received' in this.#copy) this.#copy.received.push(received)
    return this.#isRead && this.#apply(received)
  }

  /** A gateway says up to where it wrote. */
  headReceived(head: Position, { nowMs }: Moment): void {
    const part = this.#parts.get(head.epoch) ?? UNKNOWN
    if (!this.#isRead || !isBehind({ epoch: head.epoch, version: part.rev }, head)) return
    const { version: claimed } = head
    if (part.status === 'current')
      this.#parts.set(head.epoch, { status: 'suspected', rev: part.rev, claimed, checkAtMs: nowMs + LATE_HINT_MS })
    else if (part.status !== 'doubted')
      this.#parts.set(head.epoch, { ...part, claimed: Math.max(claimed, part.claimed) })
  }

  /** True if the hash has to be read. */
  timePassed({ nowMs }: Moment): boolean {
    let isMissing = false
    for (const [boot, part] of this.#parts) {
      if (part.status !== 'suspected' || part.checkAtMs > nowMs) continue
      this.#parts.set(boot, { status: 'behind', rev: part.rev, claimed: part.claimed })
      isMissing = true
    }
    return isMissing
  }

  /** `own` is this gateway, whose fields the caller judges. `trust` holds from the beginning of the read to its end. */
  readDone(read: PresenceRead, own: GatewayIdentity, trust: Trust): ReadOutcome {
    const outcome: ReadOutcome = { orphans: new Map(), lastSeen: new Map(), readWanted: false }
    const copy = this.#copy
    if (!('floors' in copy)) return outcome
    const replaced = new Set([...own.previousBootIds, ...[...read.leases.values()].flat()])
    // Gateways heard of for the first time during the read were not asked for: they stay as their hints made them.
    for (const boot of new Set([...(read.entries?.keys() ?? []), ...copy.floors.keys()])) {
      if (boot === own.bootId) continue
      const entries = read.entries === undefined ? this.#merged.entriesOf(boot) : (read.entries.get(boot) ?? NOBODY)
      const isAlive = read.leases.has(boot)
      if (isAlive && (trust.entries || this.#merged.beingsOf(boot).every((being) => entries.has(being)))) {
        this.#take(boot, entries, copy.floors.get(boot) ?? 0)
      } else if (isAlive || (!trust.leases && !replaced.has(boot))) {
        this.#doubt(boot, entries)
      } else {
        const { orphans, lastSeen } = orphansOf(read, boot, replaced)
        if (orphans.length > 0) outcome.orphans.set(boot, orphans)
        for (const [being, at] of lastSeen) outcome.lastSeen.set(being, Math.max(at, outcome.lastSeen.get(being) ?? 0))
        this.removePart(boot)
      }
    }
    this.#copy = { status: 'read' }
    outcome.readWanted = copy.again
    for (const received of copy.received) if (this.#apply(received)) outcome.readWanted = true
    return outcome
  }

  /** The lease of a gateway has run out, or it said that it stops. */
  removePart(boot: BootId): void {
    this.#merged.replace(boot, NOBODY)
    this.#parts.delete(boot)
  }

  get #isRead(): boolean {
    return this.#copy.status === 'read' || this.#copy.status === 'rereading'
  }

  /** True if the hash has to be read. */
  #apply({ range, hint }: ReceivedHint): boolean {
    const { epoch: boot, from, to } = range
    const part = this.#parts.get(boot) ?? UNKNOWN
    let isMissing = false
    const placement = place({ epoch: boot, version: part.rev }, range)
    if (placement !== 'old') {
      isMissing = hint.put === undefined || placement === 'gap'
      const entries = new Map(Object.entries(hint.put ?? {}))
      // The first write under a name, or after Redis was away, is all there is.
      const isWhole = hint.put !== undefined && from === 0
      if (isWhole) this.#merged.replace(boot, entries)
      else for (const [being, entry] of entries) this.#merged.put(boot, being, entry)
      if (hint.put !== undefined) for (const being of Object.keys(hint.left)) this.#merged.remove(boot, being)
      const rev = hint.put === undefined ? part.rev : to
      this.#parts.set(boot, isMissing ? behind(part, rev, to) : isWhole ? upTo(part, rev) : advanced(part, rev))
    }
    // After its successor is in, so that nobody blinks; one whose entries have yet to be read goes with that read.
    if (hint.put !== undefined) for (const previous of hint.formerly) this.removePart(previous)
    return isMissing
  }

  #take(boot: BootId, entries: ReadonlyMap<BeingId, PresenceEntry>, floor: number): void {
    let rev = floor
    for (const entry of entries.values()) rev = Math.max(rev, entry.rev)
    this.#merged.replace(boot, entries)
    this.#parts.set(boot, upTo(this.#parts.get(boot) ?? UNKNOWN, rev))
  }

  #doubt(boot: BootId, entries: ReadonlyMap<BeingId, PresenceEntry>): void {
    for (const [being, entry] of entries) this.#merged.put(boot, being, entry)
    const { rev } = this.#parts.get(boot) ?? UNKNOWN
    if (this.#merged.beingsOf(boot).length > 0) this.#parts.set(boot, { status: 'doubted', rev })
  }
}

/** A part of which all up to `rev` is in. What was claimed meanwhile and goes beyond it stays to be looked for. */
const upTo = (part: Part, rev: number): Part =>
  'claimed' in part && part.claimed > rev ? { ...part, rev } : { status: 'current', rev }

/** A part whose writes up to `claimed` are known of. One that is doubted stays so until it is read or says it all. */
const behind = (part: Part, rev: number, claimed: number): Part =>
  part.status === 'doubted' ? { ...part, rev } : { status: 'behind', rev, claimed }

/** A part after one more write, `rev`. */
function advanced(part: Part, rev: number): Part {
  switch (part.status) {
    case 'current':
    case 'suspected':
      return upTo(part, rev)
    case 'behind':
      return { ...part, rev, claimed: Math.max(part.claimed, rev) }
    case 'doubted':
      return { ...part, rev }
    default:
      return part satisfies never
  }
}

/**
 * What a gateway without a lease left in a space, and when those were last seen whom nobody saw leave: at its last
 * heartbeat, or when they came or did something after it. One that goes on under another name (`replaced`) has the same
 * connections: nobody of it left.
 */
export function orphansOf(
  { entries, leases, heartbeats }: PresenceRead,
  boot: BootId,
  replaced: ReadonlySet<BootId> = new Set([...leases.values()].flat()),
): { orphans: BeingId[]; lastSeen: Map<BeingId, number> } {
  const left = leases.has(boot) ? NOBODY : (entries?.get(boot) ?? NOBODY)
  const heartbeatAt = heartbeats.get(boot) ?? 0
  const seen = [...left].map(([being, { since, setAt }]) => [being, Math.max(since, setAt, heartbeatAt)] as const)
  return { orphans: [...left.keys()], lastSeen: new Map(replaced.has(boot) ? [] : seen) }
}
