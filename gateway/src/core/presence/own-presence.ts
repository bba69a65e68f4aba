/**
 * Who is in one space through this gateway: its connections, gathered by being, and the entry that Redis should hold for
 * each. Several tabs are one being. When a connection goes its being stays for the grace, so that a reload or a move to
 * another gateway is no departure; a connection that comes back within it goes on where it was.
 *
 * An entry's `since` never moves forward while the being stays; its state is what was set last on any connection that
 * is still here. Changed in place; what changed is collected until somebody takes it.
 */
import type { BeingId, JsonObject, PresenceEntry } from '@rhizom/protocol'

/** Names a connection on this gateway. */
export type ConnectionId = number

interface Presence {
  being: BeingId
  state: JsonObject | undefined
  setAt: number
}

/** An entry without the number of its write. */
export type OwnEntry = Omit<PresenceEntry, 'rev'>

/** What a write has to say of a being: how it is here now, or when it was last. */
export type OwnChange = { type: 'here'; entry: OwnEntry } | { type: 'left'; at: number }

const NO_STATE: JsonObject = {}

export class OwnPresence {
  #graceMs: number
  readonly #connections = new Map<ConnectionId, Presence>()
  readonly #byBeing = new Map<BeingId, Set<ConnectionId>>()
  readonly #entries = new Map<BeingId, OwnEntry>()
  /** Connections that are gone and when they went; the longest gone first. */
  readonly #gone = new Map<ConnectionId, number>()
  readonly #changed = new Map<BeingId, OwnChange>()

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  get entries(): ReadonlyMap<BeingId, OwnEntry> {
    return this.#entries
  }

  get hasChanged(): boolean {
    return this.#changed.size > 0
  }

  /** `knownSince` is when the being came according to other gateways. */
  came(id: ConnectionId, being: BeingId, now: number, knownSince: number | undefined): void {
    this.#gone.delete(id)
    if (this.#connections.has(id)) return
    this.#connections.set(id, { being, state: undefined, setAt: 0 })
    const ids = this.#byBeing.get(being) ?? new Set<ConnectionId>()
    this.#byBeing.set(being, ids.add(id))
    if (ids.size === 1) this.#enter(being, { state: NO_STATE, since: Math.min(now, knownSince ?? now), setAt: 0 })
  }

  /** Ends the presence of a connection after the grace. */
  left(id: ConnectionId, now: number): void {
    if (!this.#connections.has(id) || this.#gone.has(id)) return
    this.#gone.set(id, now)
  }

  /** Ends it now: the being may not be here any more. */
  ended(id: ConnectionId, now: number): void {
    if (this.#connections.has(id)) this.#drop(id, this.#gone.get(id) ?? now)
  }

  /** Ends the presence of all beings but those. */
  restricted(isAllowed: (being: BeingId) => boolean, now: number): void {
    for (const [id, { being }] of this.#connections) if (!isAllowed(being)) this.ended(id, now)
  }

  /** `knownSetAt` is when the state that counts was set according to other gateways: this one is set after it. */
  stateSet(id: ConnectionId, state: JsonObject, now: number, knownSetAt: number): void {
    const presence = this.#connections.get(id)
    if (presence === undefined || this.#gone.has(id)) return
    presence.state = state
    presence.setAt = Math.max(now, knownSetAt + 1)
    this.#refresh(presence.being)
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
      if (entry !== undefined) this.#changed.set(being, { type: 'here', entry })
    }
  }

  /** Those who left were asked to stay away for this long, and come back elsewhere after it. */
  prolong(ms: number): void {
    this.#graceMs += ms
  }

  tick(now: number): void {
    for (const [id, at] of this.#gone) {
      if (at + this.#graceMs > now) return
      this.#drop(id, at)
    }
  }

  /** When the next grace ends. */
  get wakesAt(): number | undefined {
    const [first] = this.#gone.values()
    return first === undefined ? undefined : first + this.#graceMs
  }

  takeChanged(): Map<BeingId, OwnChange> {
    const changed = new Map(this.#changed)
    this.#changed.clear()
    return changed
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
    this.#changed.set(being, { type: 'left', at })
  }

  #refresh(being: BeingId): void {
    const before = this.#entries.get(being)
    if (before === undefined) return
    let latest: Presence | undefined
    for (const id of this.#byBeing.get(being) ?? []) {
      const one = this.#connections.get(id)
      if (one !== undefined && (latest === undefined || one.setAt >= latest.setAt)) latest = one
    }
    const setAt = latest?.setAt ?? 0
    if (setAt !== before.setAt) this.#enter(being, { ...before, state: latest?.state ?? NO_STATE, setAt })
  }

  #enter(being: BeingId, entry: OwnEntry): void {
    this.#entries.set(being, entry)
    this.#changed.set(being, { type: 'here', entry })
  }
}
