/**
 * Who is in one space through this gateway, and what Redis has yet to be told of them. Several connections are one
 * being. When the last one goes its being stays for the grace, so that a reload or a move to another gateway is no
 * departure; a connection that comes back within it goes on where it was.
 *
 * The entry of each being is our part of `merged`; its `since` never moves forward while the being stays. Who left
 * stays in it until Redis has taken that: while Redis is silent it may be back through others. Each write names the one
 * before it; one that fails is part of what is said when Redis is back.
 */
import type { Moment } from '@rhizom/machine'
import type { BeingId, BootId, Id, JsonObject, PresenceEntry, PresenceHint, Range, SpaceId } from '@rhizom/protocol'
import type { GatewayIdentity } from './lease.ts'
import { type MergedPresence, NOBODY, type Part } from './merged.ts'

/** Names a connection on this gateway. */
export type ConnectionId = Id<'connection', number>

/** A numbered change of a space's hash: `range.epoch` is the boot id, `range.from` 0 if there was none before it. */
export interface PresenceWrite {
  space: SpaceId
  range: Range<BootId>
  put: Part
  /** The date at which the last connection of each went. */
  left: ReadonlyMap<BeingId, number>
  /** Everything of ours is in it: there may have been no hash before. */
  isWhole: boolean
  hint: PresenceHint
}

interface Connection {
  id: ConnectionId
  being: BeingId
  state: JsonObject
  setAt: number
}

/** Is told on what date the last connection of a being went. */
type LastSeenListener = (being: BeingId, date: number) => void

const NO_STATE: JsonObject = {}
/** More entries are not put into a hint: who hears of it reads the hash. */
const MAX_HINT_ENTRIES = 200

export class LocalPresence {
  readonly #merged: MergedPresence
  readonly #byBeing = new Map<BeingId, Map<ConnectionId, Connection>>()
  /** Connections that went, and when; the longest gone first. */
  readonly #gone = new Map<Connection, Moment>()
  /** On what date those left of whom Redis is not known to have been told so. */
  readonly #left = new Map<BeingId, number>()
  /** Beings who are here or have left, of whom the next write tells. */
  readonly #unwritten = new Set<BeingId>()
  readonly #lastSeen: LastSeenListener
  #identity: GatewayIdentity
  #graceMs: number
  #lastWrite = 0
  #keepsLeaves = false

  constructor(merged: MergedPresence, identity: GatewayIdentity, graceMs: number, lastSeen: LastSeenListener) {
    this.#merged = merged
    this.#identity = identity
    this.#graceMs = graceMs
    this.#lastSeen = lastSeen
  }

  get identity(): GatewayIdentity {
    return this.#identity
  }

  get count(): number {
    return this.#byBeing.size
  }

  /** Whether there is nothing to be said now. */
  get isWritten(): boolean {
    return this.#unwritten.size === 0 || (this.#keepsLeaves && [...this.#unwritten].every((one) => this.#left.has(one)))
  }

  /** Whether Redis was told everything, and has taken whatever it was told of those who left. */
  get isSettled(): boolean {
    return this.#unwritten.size === 0 && this.#left.size === 0
  }

  get wakesAtMs(): number | undefined {
    const [first] = this.#gone.values()
    return first === undefined ? undefined : first.nowMs + this.#graceMs
  }

  beings(): BeingId[] {
    return [...this.#byBeing.keys()]
  }

  /** Those of whom Redis may hold an entry of ours. */
  storedBeings(): BeingId[] {
    return [...this.#byBeing.keys(), ...this.#left.keys()]
  }

  join(id: ConnectionId, being: BeingId, { dateMs }: Moment): void {
    const connections = this.#byBeing.get(being) ?? new Map<ConnectionId, Connection>()
    const known = connections.get(id)
    if (known !== undefined) return void this.#gone.delete(known)
    this.#byBeing.set(being, connections.set(id, { id, being, state: NO_STATE, setAt: 0 }))
    if (connections.size > 1) return
    this.#left.delete(being)
    const since = Math.min(dateMs, this.#merged.get(being)?.since ?? dateMs)
    this.#enter(being, { state: NO_STATE, since, setAt: 0, rev: 0 })
  }

  leave(id: ConnectionId, being: BeingId, at: Moment): void {
    const connection = this.#byBeing.get(being)?.get(id)
    if (connection !== undefined && !this.#gone.has(connection)) this.#gone.set(connection, at)
  }

  /** All others leave at once, also those within their grace. */
  retainOnly(isAllowed: (being: BeingId) => boolean, at: Moment): void {
    for (const [being, connections] of this.#byBeing)
      if (!isAllowed(being)) for (const connection of connections.values()) this.#drop(connection, at)
  }

  /** It is set after the state that counts, whatever the clock of the gateway says on which that one was set. */
  setState(id: ConnectionId, being: BeingId, state: JsonObject, { dateMs }: Moment): void {
    const connection = this.#byBeing.get(being)?.get(id)
    if (connection === undefined || this.#gone.has(connection)) return
    connection.state = state
    connection.setAt = Math.max(dateMs, (this.#merged.get(being)?.setAt ?? 0) + 1)
    this.#refresh(being)
  }

  /** Another gateway had the being before. */
  adopt(being: BeingId, since: number): void {
    const entry = this.#entryOf(being)
    if (entry !== undefined && since < entry.since) this.#enter(being, { ...entry, since })
  }

  extendGrace(ms: number): void {
    this.#graceMs += ms
  }

  timePassed(at: Moment): void {
    for (const [connection, { nowMs }] of this.#gone) {
      if (nowMs + this.#graceMs > at.nowMs) return
      this.#drop(connection, at)
    }
  }

  /** Redis is there (again), and others know us as `identity` from now on: everything is said again. */
  beginAnew(identity: GatewayIdentity, isRecovering: boolean): void {
    this.#keepsLeaves = isRecovering
    const { bootId: former } = this.#identity
    if (identity.bootId !== former) {
      const here = [...this.#merged.partOf(former)].filter(([being]) => this.#byBeing.has(being))
      this.#merged.replace(identity.bootId, new Map(here))
      this.#merged.replace(former, NOBODY)
    }
    this.#identity = identity
    this.#lastWrite = 0
    for (const being of this.storedBeings()) this.#unwritten.add(being)
  }

  /**
   * Who left while Redis was away may have come in through a gateway that is not back yet: it is told once all others
   * had the time to say again who is here through them.
   */
  tellLeaves(): void {
    this.#keepsLeaves = false
  }

  /** What Redis holds of ours is to become what we hold, and of others we know now since when each was here. */
  compare(found: Part, { dateMs }: Moment): void {
    for (const being of this.#byBeing.keys()) {
      this.adopt(being, this.#merged.get(being)?.since ?? dateMs)
      if (!found.has(being)) this.#unwritten.add(being)
    }
    for (const being of found.keys()) {
      if (this.#byBeing.has(being)) continue
      if (!this.#left.has(being)) this.#left.set(being, dateMs)
      this.#unwritten.add(being)
    }
  }

  /** What is to be written, as write number `to` of this gateway. */
  takeWrite(space: SpaceId, to: number): PresenceWrite | undefined {
    if (this.isWritten) return undefined
    const put = new Map<BeingId, PresenceEntry>()
    const left = new Map<BeingId, number>()
    for (const being of this.#unwritten) {
      const entry = this.#entryOf(being)
      const date = this.#left.get(being)
      if (entry === undefined && this.#keepsLeaves) continue
      this.#unwritten.delete(being)
      if (entry !== undefined) put.set(being, { ...entry, rev: to })
      else if (date !== undefined) left.set(being, date)
    }
    const { bootId, previousBootIds } = this.#identity
    const from = this.#lastWrite
    this.#lastWrite = to
    const hint: PresenceHint = {
      ...(put.size > MAX_HINT_ENTRIES ? {} : { put: Object.fromEntries(put) }),
      left: Object.fromEntries(left),
      formerly: from === 0 ? [...previousBootIds] : [],
    }
    return { space, range: { epoch: bootId, from, to }, put, left, isWhole: put.size === this.#byBeing.size, hint }
  }

  /** Redis has taken a write: who left in it is gone, unless a later write tells of the same. */
  written({ range, left }: PresenceWrite): void {
    for (const being of left.keys()) {
      if (range.epoch !== this.#identity.bootId || !this.#left.has(being) || this.#unwritten.has(being)) continue
      this.#left.delete(being)
      this.#merged.remove(range.epoch, being)
    }
  }

  #entryOf(being: BeingId): PresenceEntry | undefined {
    return this.#byBeing.has(being) ? this.#merged.partOf(this.#identity.bootId).get(being) : undefined
  }

  #enter(being: BeingId, entry: PresenceEntry): void {
    this.#merged.put(this.#identity.bootId, being, entry)
    this.#unwritten.add(being)
  }

  #drop(connection: Connection, at: Moment): void {
    const { id, being } = connection
    const { dateMs } = this.#gone.get(connection) ?? at
    this.#gone.delete(connection)
    const connections = this.#byBeing.get(being)
    connections?.delete(id)
    if (connections !== undefined && connections.size > 0) return this.#refresh(being)
    this.#byBeing.delete(being)
    this.#left.set(being, dateMs)
    this.#unwritten.add(being)
    this.#lastSeen(being, dateMs)
  }

  #refresh(being: BeingId): void {
    const entry = this.#entryOf(being)
    const connections = [...(this.#byBeing.get(being)?.values() ?? [])]
    if (entry === undefined || connections.length === 0) return
    const { state, setAt } = connections.reduce((latest, one) => (one.setAt >= latest.setAt ? one : latest))
    if (setAt !== entry.setAt) this.#enter(being, { ...entry, state, setAt })
  }
}
