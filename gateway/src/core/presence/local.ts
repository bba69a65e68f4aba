/**
 * Who is in one space through this gateway: its connections, gathered by being, the entry that Redis should hold for
 * each, and what Redis has yet to be told of them. Several tabs are one being. When a connection goes its being stays
 * for the grace, so that a reload or a move to another gateway is no departure; a connection that comes back within it
 * goes on where it was.
 *
 * An entry's `since` never moves forward while the being stays; its state is what was set last on any connection that
 * is still here. Writes are numbered, and each names the one before it, so that others see when they missed one.
 * Changed in place; what changed is collected until somebody takes it.
 */
import type { Moment } from '@rhizom/machine'
import type { BeingId, JsonObject, PresenceEntry, PresenceHint, Range, SpaceId } from '@rhizom/protocol'
import type { GatewayIdentity } from './lease.ts'

/** Names a connection on this gateway. */
export type ConnectionId = number

/** An entry without the number of its write. */
export type LocalEntry = Omit<PresenceEntry, 'rev'>

/** What a write has to say of a being: how it is here now, or the date at which its last connection went. */
export type LocalChange = { type: 'here'; entry: LocalEntry } | { type: 'left'; at: number }

/** A numbered change of a space's hash: `range.epoch` is the boot id, `range.from` 0 if there was none before it. */
export interface PresenceWrite {
  space: SpaceId
  range: Range
  put: ReadonlyMap<BeingId, PresenceEntry>
  left: ReadonlyMap<BeingId, number>
  /** Everything of ours is in it: there may have been no hash before. */
  isWhole: boolean
  hint: PresenceHint
}

interface Connection {
  being: BeingId
  state: JsonObject | undefined
  setAt: number
}

const NO_STATE: JsonObject = {}
/** More entries are not put into a hint: who hears of it reads the hash. */
const MAX_HINT_ENTRIES = 200

export class LocalPresence {
  #graceMs: number
  readonly #connections = new Map<ConnectionId, Connection>()
  readonly #byBeing = new Map<BeingId, Set<ConnectionId>>()
  readonly #entries = new Map<BeingId, LocalEntry>()
  /** Connections that went, when, and on what date; the longest gone first. */
  readonly #gone = new Map<ConnectionId, { atMs: number; date: number }>()
  readonly #changed = new Map<BeingId, LocalChange>()
  readonly #unwritten = new Map<BeingId, LocalChange>()
  #lastWrite = 0

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  get entries(): ReadonlyMap<BeingId, LocalEntry> {
    return this.#entries
  }

  /** Whether Redis was told everything. */
  get isWritten(): boolean {
    return this.#unwritten.size === 0
  }

  /** When the next grace ends. */
  get wakesAtMs(): number | undefined {
    const [first] = this.#gone.values()
    return first === undefined ? undefined : first.atMs + this.#graceMs
  }

  /** `knownSince` is when the being came according to other gateways. */
  join(id: ConnectionId, being: BeingId, { dateMs }: Moment, knownSince: number | undefined): void {
    this.#gone.delete(id)
    if (this.#connections.has(id)) return
    this.#connections.set(id, { being, state: undefined, setAt: 0 })
    const ids = this.#byBeing.get(being) ?? new Set<ConnectionId>()
    this.#byBeing.set(being, ids.add(id))
    if (ids.size === 1) this.#enter(being, { state: NO_STATE, since: Math.min(dateMs, knownSince ?? dateMs), setAt: 0 })
  }

  /** Ends the presence of a connection after the grace. */
  leave(id: ConnectionId, { nowMs, dateMs }: Moment): void {
    if (!this.#connections.has(id) || this.#gone.has(id)) return
    this.#gone.set(id, { atMs: nowMs, date: dateMs })
  }

  /** Ends it now: the being may not be here any more. */
  remove(id: ConnectionId, { dateMs }: Moment): void {
    if (this.#connections.has(id)) this.#drop(id, this.#gone.get(id)?.date ?? dateMs)
  }

  /** Ends the presence of all beings but those. */
  retainOnly(isAllowed: (being: BeingId) => boolean, at: Moment): void {
    for (const [id, { being }] of this.#connections) if (!isAllowed(being)) this.remove(id, at)
  }

  /** `knownSetAt` is when the state that counts was set according to other gateways: this one is set after it. */
  setState(id: ConnectionId, state: JsonObject, { dateMs }: Moment, knownSetAt: number): void {
    const connection = this.#connections.get(id)
    if (connection === undefined || this.#gone.has(id)) return
    connection.state = state
    connection.setAt = Math.max(dateMs, knownSetAt + 1)
    this.#refresh(connection.being)
  }

  /** Another gateway had the being before. */
  adopt(being: BeingId, since: number): void {
    const entry = this.#entries.get(being)
    if (entry !== undefined && since < entry.since) this.#enter(being, { ...entry, since })
  }

  /** Says again what is here, as Redis may have lost it. */
  repeat(beings: Iterable<BeingId>): void {
    for (const being of beings) {
      const entry = this.#entries.get(being)
      if (entry !== undefined) this.#note(being, { type: 'here', entry })
    }
  }

  /** Those who left were asked to stay away for this long, and come back elsewhere after it. */
  extendGrace(ms: number): void {
    this.#graceMs += ms
  }

  timePassed({ nowMs }: Moment): void {
    for (const [id, { atMs, date }] of this.#gone) {
      if (atMs + this.#graceMs > nowMs) return
      this.#drop(id, date)
    }
  }

  /** What changed since this was last asked. */
  takeChanged(): Map<BeingId, LocalChange> {
    const changed = new Map(this.#changed)
    this.#changed.clear()
    return changed
  }

  /** Who has left, of whom Redis has yet to be told so. */
  unwrittenLeaves(): BeingId[] {
    return [...this.#unwritten].filter(([, { type }]) => type === 'left').map(([being]) => being)
  }

  /** Nobody has heard of this gateway yet, under the name it has from now on. */
  beginAnew(): void {
    this.#lastWrite = 0
  }

  /** What is to be written, as write number `to` of this gateway. */
  takeWrite(space: SpaceId, to: number, { bootId, previousBootIds }: GatewayIdentity): PresenceWrite | undefined {
    if (this.isWritten) return undefined
    const put = new Map<BeingId, PresenceEntry>()
    const left = new Map<BeingId, number>()
    for (const [being, change] of this.#unwritten) {
      if (change.type === 'here') put.set(being, { ...change.entry, rev: to })
      else left.set(being, change.at)
    }
    this.#unwritten.clear()
    const from = this.#lastWrite
    this.#lastWrite = to
    const hint: PresenceHint = {
      ...(put.size > MAX_HINT_ENTRIES ? {} : { put: Object.fromEntries(put) }),
      left: Object.fromEntries(left),
      formerly: from === 0 ? [...previousBootIds] : [],
    }
    return { space, range: { epoch: bootId, from, to }, put, left, isWhole: put.size === this.#entries.size, hint }
  }

  /**
   * It may or may not have been written. Entries are all said again when Redis is back; of those who left nobody else
   * knows any more.
   */
  writeFailed({ left }: PresenceWrite): void {
    for (const [being, at] of left)
      if (!this.#entries.has(being) && !this.#unwritten.has(being)) this.#unwritten.set(being, { type: 'left', at })
  }

  #drop(id: ConnectionId, at: number): void {
    const being = this.#connections.get(id)?.being
    this.#gone.delete(id)
    this.#connections.delete(id)
    if (being === undefined) return
    const ids = this.#byBeing.get(being)
    ids?.delete(id)
    if (ids !== undefined && ids.size > 0) {
      this.#refresh(being)
      return
    }
    this.#byBeing.delete(being)
    this.#entries.delete(being)
    this.#note(being, { type: 'left', at })
  }

  #refresh(being: BeingId): void {
    const before = this.#entries.get(being)
    if (before === undefined) return
    let latest: Connection | undefined
    for (const id of this.#byBeing.get(being) ?? []) {
      const one = this.#connections.get(id)
      if (one !== undefined && (latest === undefined || one.setAt >= latest.setAt)) latest = one
    }
    const setAt = latest?.setAt ?? 0
    if (setAt !== before.setAt) this.#enter(being, { ...before, state: latest?.state ?? NO_STATE, setAt })
  }

  #enter(being: BeingId, entry: LocalEntry): void {
    this.#entries.set(being, entry)
    this.#note(being, { type: 'here', entry })
  }

  #note(being: BeingId, change: LocalChange): void {
    this.#changed.set(being, change)
    this.#unwritten.set(being, change)
  }
}
