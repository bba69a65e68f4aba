/**
 * Who is here: the roster of one space as one gateway knows it and tells its clients.
 *
 *   connections ──► local ───┐               ┌─► frames: joined, left, updated, gathered in a window
 *                            ├─► merged ─► listing
 *   hints, reads ─► remote ──┘               └─► answers to subscribe
 *
 * It decides; the shell (presence/hub.ts) owns time, Redis and sockets, and lease.ts whether this gateway and others
 * live. Unlike the other machines it is changed in place, as it may hold thousands. Effects are collected until taken.
 *
 * While the roster cannot be known (Redis away, not read yet, others in doubt) it is frozen: one frame says so, what
 * changes meanwhile is kept back, and when it is exact again one frame brings all clients level.
 */
import type { Machine, Moment } from '@rhizom/machine'
import type { BeingId, BootId, Here, JsonObject, Position, PresenceEntry, ServerFrame, SpaceId } from '@rhizom/protocol'
import type { GatewayIdentity, Trust } from './lease.ts'
import { Listing, type RosterDifference } from './listing.ts'
import { type ConnectionId, type LocalChange, LocalPresence, type PresenceWrite } from './local.ts'
import { MergedPresence } from './merged.ts'
import { type Orphans, type PresenceRead, type ReceivedHint, RemotePresence } from './remote.ts'

export interface RosterSettings {
  graceMs: number
  windowMs: number
  listLimit: number
}

export type PresenceFrame = Extract<ServerFrame, { type: 'presence' }>

export type RosterEffect =
  /** The answer names `readSeq`, so that one that was overtaken is told apart. */
  | { type: 'readHash'; readSeq: number }
  /** `takeWrite` has something to say. */
  | { type: 'writeHash' }
  | { type: 'removeOrphans'; orphans: Orphans }
  | { type: 'sendFrame'; frame: PresenceFrame }
  /** `at` is a date. */
  | { type: 'reportLastSeen'; being: BeingId; at: number }

/** Those who follow the space here, and what they were told. */
interface Audience {
  listing: Listing
  isToldFrozen: boolean
  flushAtMs: number | undefined
}

/** The longest that the frames of a big space are gathered. */
const MAX_WINDOW_MS = 5000

/**
 * In a space over the limit the window grows with it, so that its clients together are sent no more frames a second
 * than those of a space at the limit.
 */
export function windowFor(count: number, { windowMs, listLimit }: RosterSettings): number {
  const stretched = Math.round((windowMs * count) / Math.max(1, listLimit))
  return Math.max(windowMs, Math.min(stretched, MAX_WINDOW_MS))
}

export class Roster {
  readonly space: SpaceId
  readonly #settings: RosterSettings
  readonly #merged = new MergedPresence()
  readonly #remote = new RemotePresence(this.#merged)
  readonly #local: LocalPresence
  /** Gone from here, and not yet known to be written: still on the list. */
  readonly #leaving = new Set<BeingId>()
  #identity: GatewayIdentity
  #link: 'up' | 'down'
  #audience: Audience | undefined
  #readSeq = 0
  #effects: RosterEffect[] = []

  constructor(space: SpaceId, identity: GatewayIdentity, link: 'up' | 'down', settings: RosterSettings) {
    this.space = space
    this.#link = link
    this.#identity = identity
    this.#settings = settings
    this.#local = new LocalPresence(settings.graceMs)
  }

  get isExact(): boolean {
    return this.#link === 'up' && this.isWatched && this.#remote.isExact
  }

  get isWatched(): boolean {
    return this.#audience !== undefined
  }

  /** Whether nothing would be lost with it. */
  get isIdle(): boolean {
    return !this.isWatched && this.#local.entries.size === 0 && this.#local.isWritten
  }

  get localCount(): number {
    return this.#local.entries.size
  }

  get count(): number {
    return this.#merged.count
  }

  /** Fields that the hash should have; unknown unless exact. */
  get entryCount(): number | undefined {
    return this.isExact && this.#local.isWritten ? this.#merged.entryCount : undefined
  }

  /** Gateways whose leases matter here. */
  boots(): BootId[] {
    return this.#remote.boots()
  }

  get wakesAtMs(): number | undefined {
    const times = [this.#audience?.flushAtMs, this.#local.wakesAtMs, this.#remote.wakesAtMs]
    return least(times.filter((time) => time !== undefined))
  }

  takeEffects(): RosterEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  watch(): void {
    this.#audience = { listing: new Listing(this.#settings.listLimit), isToldFrozen: false, flushAtMs: undefined }
    // Somebody may be here through us whom the new list does not know.
    for (const being of this.#merged.beings()) this.#merged.touch(being)
  }

  /** Nobody follows the space here any more; hints do not arrive from now on. */
  unwatch(at: Moment): void {
    this.#audience = undefined
    for (const being of this.#leaving) this.#forget(being)
    this.#afterEvent(at)
    this.#remote.forget()
    // Those who are here through others have not left: it is we who stop looking.
    this.#merged.takeChanged()
  }

  /** The space's channel is joined (again): every hint from now on arrives. */
  channelJoined(at: Moment): void {
    this.readWanted(at)
  }

  linkLost(at: Moment): void {
    if (this.#link === 'down') return
    this.#link = 'down'
    this.#remote.lose()
    this.#afterEvent(at)
  }

  /** Redis is there and the lease is ours: everything of ours is said again, and the hash is read. */
  linkFound(identity: GatewayIdentity, at: Moment): void {
    const { bootId } = this.#identity
    if (identity.bootId !== bootId) {
      for (const being of this.#merged.beingsOf(bootId)) this.#merged.remove(bootId, being)
      this.#leaving.clear()
      this.#identity = identity
    }
    this.#link = 'up'
    this.#local.beginAnew()
    this.#local.repeat(this.#local.entries.keys())
    this.readWanted(at)
  }

  /** What Redis lacks is lacking from now on: what was only added to is read once more. */
  trustRestored(at: Moment): void {
    if (!this.#remote.isSettled) this.readWanted(at)
  }

  join(id: ConnectionId, being: BeingId, at: Moment): void {
    this.#local.join(id, being, at, this.#merged.get(being)?.since)
    this.#afterEvent(at)
  }

  leave(id: ConnectionId, at: Moment): void {
    this.#local.leave(id, at)
    this.timePassed(at)
  }

  /** As `leave`, without the grace. */
  remove(id: ConnectionId, at: Moment): void {
    this.#local.remove(id, at)
    this.#afterEvent(at)
  }

  /** Whoever may not read the space any more is not here, nor for the grace. */
  retainOnly(mayRead: (being: BeingId) => boolean, at: Moment): void {
    this.#local.retainOnly(mayRead, at)
    this.#afterEvent(at)
  }

  setState(id: ConnectionId, being: BeingId, state: JsonObject, at: Moment): void {
    this.#local.setState(id, state, at, this.#merged.get(being)?.setAt ?? 0)
    this.#afterEvent(at)
  }

  /** Adds to the grace of all. */
  extendGrace(ms: number): void {
    this.#local.extendGrace(ms)
  }

  hintReceived(received: ReceivedHint, at: Moment): void {
    const { range, hint } = received
    if (!this.isWatched || range.epoch === this.#identity.bootId) return
    if (this.#remote.hintReceived(received)) this.#read()
    for (const [being, { since }] of Object.entries(hint.put ?? {})) this.#local.adopt(being, since)
    this.#afterEvent(at)
  }

  /** How far another gateway wrote: `head.epoch` is its boot id. */
  headReceived(head: Position, at: Moment): void {
    if (this.isWatched && head.epoch !== this.#identity.bootId) this.#remote.headReceived(head, at)
  }

  /** Something does not add up: the hash is read again. */
  readWanted(at: Moment): void {
    this.#read()
    this.#afterEvent(at)
  }

  readDone(readSeq: number, read: PresenceRead, trust: Trust, at: Moment): void {
    if (readSeq !== this.#readSeq || !this.isWatched || this.#link === 'down') return
    const { orphans, lastSeen, readWanted } = this.#remote.readDone(read, this.#identity, trust)
    if (readWanted) this.#read()
    if (read.entries !== undefined) this.#compareOwn(read.entries.get(this.#identity.bootId), orphans)
    if (orphans.size > 0) this.#effects.push({ type: 'removeOrphans', orphans })
    for (const [being, date] of lastSeen) this.#effects.push({ type: 'reportLastSeen', being, at: date })
    for (const being of this.#local.entries.keys())
      this.#local.adopt(being, this.#merged.get(being)?.since ?? at.dateMs)
    this.#afterEvent(at)
  }

  /** The lease of another gateway is gone for good: all who were here only through it leave together. */
  gatewayGone(boot: BootId, at: Moment): void {
    this.#remote.removePart(boot)
    this.#afterEvent(at)
    const audience = this.#audience
    if (audience?.flushAtMs !== undefined)
      audience.flushAtMs = Math.min(audience.flushAtMs, at.nowMs + this.#settings.windowMs)
  }

  timePassed(at: Moment): void {
    this.#local.timePassed(at)
    if (this.#remote.timePassed(at)) this.#read()
    this.#afterEvent(at)
    const audience = this.#audience
    if (audience?.flushAtMs !== undefined && audience.flushAtMs <= at.nowMs) this.#flush(audience)
  }

  /** What newcomers are told, themselves included. Nobody is told anything of a space that is not watched. */
  answer(newcomers: readonly BeingId[]): { here: Here[]; hereCount: number; frozen: boolean } {
    const audience = this.#audience
    if (audience === undefined) return { here: [], hereCount: 0, frozen: true }
    const frozen = !this.isExact
    if (frozen) audience.isToldFrozen = true
    return { ...audience.listing.answer(newcomers, this.#merged), frozen }
  }

  /** What is to be written, as write number `to` of this gateway. */
  takeWrite(to: number): PresenceWrite | undefined {
    return this.#local.takeWrite(this.space, to, this.#identity)
  }

  /** Who left is gone only now: where Redis does not answer, it may be back through others and we would not know. */
  written({ range, left }: PresenceWrite, at: Moment): void {
    for (const being of left.keys())
      if (range.epoch === this.#identity.bootId && this.#leaving.has(being)) this.#forget(being)
    this.#afterEvent(at)
  }

  writeFailed(write: PresenceWrite): void {
    this.#local.writeFailed(write)
  }

  /** Everybody who is here through this gateway, to be removed when it stops. */
  localBeings(): BeingId[] {
    return [...this.#local.entries.keys()]
  }

  /** Everybody of whom Redis may hold an entry of ours. */
  storedBeings(): BeingId[] {
    return [...this.localBeings(), ...this.#local.unwrittenLeaves()]
  }

  /** Fields of ours that should not be there go, entries of ours that should be there are written again. */
  #compareOwn(found: ReadonlyMap<BeingId, PresenceEntry> | undefined, orphans: Orphans): void {
    const { entries } = this.#local
    const extra = [...(found?.keys() ?? [])].filter((being) => !entries.has(being))
    if (extra.length > 0) orphans.set(this.#identity.bootId, extra)
    this.#local.repeat([...entries.keys()].filter((being) => found?.has(being) !== true))
  }

  /** What is due after any event: apply local changes, freeze, thaw, open a window. */
  #afterEvent(at: Moment): void {
    for (const [being, change] of this.#local.takeChanged()) this.#applyLocal(being, change)
    if (!this.#local.isWritten && this.#link === 'up') this.#effects.push({ type: 'writeHash' })
    const audience = this.#audience
    if (audience === undefined) {
      this.#merged.takeChanged()
      return
    }
    if (!this.isExact) this.#freeze(audience)
    else if (audience.isToldFrozen || !audience.listing.isPublished) this.#flush(audience)
    else if (this.#merged.hasChanged) audience.flushAtMs ??= at.nowMs + windowFor(this.#merged.count, this.#settings)
  }

  /** While the link is down nothing is read: everything is when it is back. */
  #read(): void {
    if (this.#link === 'up' && this.isWatched && this.#remote.beginRead())
      this.#effects.push({ type: 'readHash', readSeq: ++this.#readSeq })
  }

  #applyLocal(being: BeingId, change: LocalChange): void {
    const { bootId } = this.#identity
    if (change.type === 'here') {
      this.#merged.put(bootId, being, { ...change.entry, rev: 0 })
      this.#leaving.delete(being)
      return
    }
    // Also if it is here through others: it was seen, and the latest time counts.
    this.#effects.push({ type: 'reportLastSeen', being, at: change.at })
    if (this.isWatched) this.#leaving.add(being)
    else this.#forget(being)
  }

  #forget(being: BeingId): void {
    this.#leaving.delete(being)
    this.#merged.remove(this.#identity.bootId, being)
  }

  #freeze(audience: Audience): void {
    const isPending = audience.flushAtMs !== undefined
    audience.flushAtMs = undefined
    if (audience.isToldFrozen || !audience.listing.isPublished) return
    // Newcomers were told of it already.
    if (isPending) this.#flush(audience)
    audience.isToldFrozen = true
    this.#send(unchanged(audience.listing.count), true)
  }

  #flush(audience: Audience): void {
    audience.flushAtMs = undefined
    const difference = audience.listing.difference(this.#merged.takeChanged(), this.#merged)
    if (difference !== undefined || audience.isToldFrozen)
      this.#send(difference ?? unchanged(this.#merged.count), false)
    audience.isToldFrozen = false
  }

  #send(difference: RosterDifference, frozen: boolean): void {
    this.#effects.push({ type: 'sendFrame', frame: { type: 'presence', space: this.space, ...difference, frozen } })
  }
}

const unchanged = (hereCount: number): RosterDifference => ({ joined: [], left: [], updated: [], hereCount })

const least = (times: readonly number[]): number | undefined => (times.length === 0 ? undefined : Math.min(...times))

/** Something that happens to a roster. */
export type RosterCall = (roster: Roster, at: Moment) => void

/** A roster as its runner sees it: each step gives another `RosterState`, which holds the same roster. */
export interface RosterState {
  readonly roster: Roster
}

export const rosterMachine: Machine<RosterState, { type: 'called'; call: RosterCall }, RosterEffect> = {
  wakesAtMs: ({ roster }) => roster.wakesAtMs,
  step({ roster }, event, at) {
    if (event.type === 'called') event.call(roster, at)
    else roster.timePassed(at)
    return { state: { roster }, effects: roster.takeEffects() }
  },
}
