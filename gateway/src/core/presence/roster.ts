/**
 * Who is here: the roster of one space as one gateway knows it and tells its clients.
 *
 *   connections ─► own-presence ─┐                             ┌─► frames: joined, left, updated, gathered in a window
 *                                ├─► merged-presence ─► listing┤
 *   hints, reads ─► remote ──────┘                             └─► answers to subscribe
 *
 * It decides; the shell (presence-hub.ts) owns time, Redis and sockets, and lease.ts whether this gateway and the others
 * live. Unlike the other machines it is changed in place, as it may hold thousands. Effects are collected until taken.
 *
 * While the roster cannot be known (Redis away, not read yet, others in doubt) it is frozen: one frame says so, what
 * changes meanwhile is kept back, and when it is exact again one frame brings all clients level.
 */
import type { BeingId, BootId, Here, JsonObject, PresenceEntry, SpaceId } from '@rhizom/protocol'
import { Farewells } from './farewells.ts'
import { Listing, type RosterNews } from './listing.ts'
import { MergedPresence } from './merged-presence.ts'
import { type ConnectionId, type OwnChange, OwnPresence } from './own-presence.ts'
import { OwnWrites } from './own-writes.ts'
import type { Orphans, PresenceRead } from './presence-read.ts'
import { type HeardHint, type OwnName, RemotePresence } from './remote-presence.ts'
import type { PresenceWrite, RosterEffect, RosterSettings } from './roster-effect.ts'

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

export class SpaceRoster {
  readonly space: SpaceId
  readonly #settings: RosterSettings
  readonly #merged = new MergedPresence()
  readonly #remote = new RemotePresence(this.#merged)
  readonly #own: OwnPresence
  readonly #writes: OwnWrites
  readonly #farewells = new Farewells()
  /** Gone from here, and not yet known to be written: still on the list. */
  readonly #leaving = new Map<BeingId, number>()
  #listing: Listing
  #name: OwnName
  #link: 'up' | 'down' = 'down'
  #isWatched = false
  /** The clients know that the roster is frozen. */
  #isToldFrozen = false
  #flushAt: number | undefined
  #turn = 0
  #effects: RosterEffect[] = []

  constructor(space: SpaceId, name: OwnName, settings: RosterSettings) {
    this.space = space
    this.#name = name
    this.#settings = settings
    this.#own = new OwnPresence(settings.graceMs)
    this.#writes = new OwnWrites(space)
    this.#listing = new Listing(settings.listLimit)
  }

  get isExact(): boolean {
    return this.#link === 'up' && this.#isWatched && this.#remote.isExact
  }

  /** Whether anything would be lost with it. */
  get isIdle(): boolean {
    return !this.#isWatched && this.#own.entries.size === 0 && this.#writes.isEmpty
  }

  get ownCount(): number {
    return this.#own.entries.size
  }

  get count(): number {
    return this.#merged.count
  }

  /** Fields that the hash should have; unknown unless exact. */
  get entryCount(): number | undefined {
    return this.isExact && this.#writes.isEmpty ? this.#merged.entryCount : undefined
  }

  boots(): BootId[] {
    return this.#remote.boots()
  }

  /** When it has to be ticked if nothing happens before. */
  get wakesAt(): number | undefined {
    const times = [this.#flushAt, this.#own.wakesAt, this.#remote.wakesAt].filter((at) => at !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  takeEffects(): RosterEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  watched(): void {
    this.#isWatched = true
    // Somebody may be here through us whom the new list does not know.
    for (const being of this.#merged.beings()) this.#merged.touch(being)
  }

  /** Nobody follows the space here any more; hints do not arrive from now on. */
  unwatched(now: number): void {
    this.#isWatched = false
    this.#isToldFrozen = false
    this.#flushAt = undefined
    for (const [being, at] of this.#leaving) this.#leave(this.#name.bootId, being, at)
    this.#settle(now)
    this.#remote.forget()
    // Those who are here through others have not left: it is we who stop looking.
    this.#merged.takeChanged()
    this.#farewells.forgetTimes()
    this.#listing = new Listing(this.#settings.listLimit)
  }

  /** The space's channel is joined (again): every hint from now on arrives. */
  channelJoined(now: number): void {
    this.#remote.wantRead()
    this.#settle(now)
  }

  linkLost(now: number): void {
    if (this.#link === 'down') return
    this.#link = 'down'
    this.#remote.lose()
    this.#settle(now)
  }

  /** Redis is there and the lease is ours: everything of ours is said again, and the hash is read. */
  linkFound(name: OwnName, now: number): void {
    if (name.bootId !== this.#name.bootId) {
      for (const being of this.#merged.beingsOf(this.#name.bootId)) this.#merged.remove(this.#name.bootId, being)
      for (const [being, at] of this.#leaving) this.#farewells.seen(being, at)
      this.#leaving.clear()
      this.#name = name
    }
    this.#link = 'up'
    this.#writes.beginAnew()
    this.#own.repeat(this.#own.entries.keys())
    if (this.#isWatched) this.#remote.wantRead()
    this.#settle(now)
  }

  came(id: ConnectionId, being: BeingId, now: number): void {
    this.#own.came(id, being, now, this.#merged.get(being)?.since)
    this.#settle(now)
  }

  left(id: ConnectionId, now: number): void {
    this.#own.left(id, now)
    this.tick(now)
  }

  /** Adds to the grace of all. */
  prolong(ms: number): void {
    this.#own.prolong(ms)
  }

  /** As `left`, without the grace. */
  ended(id: ConnectionId, now: number): void {
    this.#own.ended(id, now)
    this.#settle(now)
  }

  /** Whoever may not read the space any more is not here, nor for the grace. */
  restricted(mayRead: (being: BeingId) => boolean, now: number): void {
    this.#own.restricted(mayRead, now)
    this.#settle(now)
  }

  stateSet(id: ConnectionId, being: BeingId, state: JsonObject, now: number): void {
    this.#own.stateSet(id, state, now, this.#merged.get(being)?.setAt ?? 0)
    this.#settle(now)
  }

  heard(heard: HeardHint, now: number): void {
    if (!this.#isWatched || heard.bootId === this.#name.bootId) return
    for (const [being, at] of Object.entries(heard.hint.left))
      if (this.#merged.has(being)) this.#farewells.seen(being, at)
    this.#remote.heard(heard)
    for (const [being, { since }] of Object.entries(heard.hint.put ?? {})) this.#own.adopt(being, since)
    this.#settle(now)
  }

  beatHeard(boot: BootId, rev: number, now: number): void {
    if (this.#isWatched && boot !== this.#name.bootId) this.#remote.beatHeard(boot, rev, now)
  }

  /** Something does not add up: the hash is read again. */
  suspect(now: number): void {
    if (this.#isWatched) this.#remote.wantRead()
    this.#settle(now)
  }

  readDone(turn: number, read: PresenceRead, isDoubtful: boolean, now: number): void {
    if (turn !== this.#turn || !this.#isWatched || this.#link === 'down') return
    const { orphans, lost } = this.#remote.readDone(read, this.#name, isDoubtful, now)
    this.#compareOwn(read.entries.get(this.#name.bootId), orphans)
    if (orphans.size > 0) this.#effects.push({ type: 'removeOrphans', orphans })
    for (const [being, at] of lost) this.#mourn(being, at)
    for (const being of this.#own.entries.keys()) this.#own.adopt(being, this.#merged.get(being)?.since ?? now)
    this.#settle(now)
  }

  /** The lease of another gateway, whose last heartbeat was sent at `beatAt`, is gone for good: all who were here only through it leave together. */
  gatewayGone(boot: BootId, beatAt: number, now: number): void {
    const lost = this.#remote.gone(boot, beatAt)
    if (lost.size > 0) this.#effects.push({ type: 'removeOrphans', orphans: new Map([[boot, [...lost.keys()]]]) })
    for (const [being, at] of lost) this.#mourn(being, at)
    this.#settle(now)
    if (this.#flushAt !== undefined) this.#flushAt = Math.min(this.#flushAt, now + this.#settings.windowMs)
  }

  tick(now: number): void {
    this.#own.tick(now)
    this.#remote.tick(now)
    this.#settle(now)
    if (this.#flushAt !== undefined && this.#flushAt <= now) this.#flush(now)
  }

  /** What newcomers are told, themselves included. */
  answer(newcomers: readonly BeingId[]): { here: Here[]; hereCount: number; frozen: boolean } {
    const frozen = !this.isExact
    if (frozen) this.#isToldFrozen = true
    return { ...this.#listing.answer(newcomers, this.#merged), frozen }
  }

  /** What is to be written, as write number `to` of this gateway. */
  takeWrite(to: number): PresenceWrite | undefined {
    return this.#writes.take(to, this.#name, this.#own.entries)
  }

  /** Who left is gone only now: where Redis does not answer, it may be back through others and we would not know. */
  written({ bootId, left }: PresenceWrite, now: number): void {
    for (const [being, at] of left)
      if (bootId === this.#name.bootId && this.#leaving.has(being)) this.#leave(bootId, being, at)
    this.#settle(now)
  }

  writeFailed(write: PresenceWrite): void {
    this.#writes.failed(write, this.#own.entries)
  }

  /** Everybody who is here through this gateway, to be removed when it stops. */
  ownBeings(): BeingId[] {
    return [...this.#own.entries.keys()]
  }

  /** Everybody of whom Redis may hold an entry of ours. */
  storedBeings(): BeingId[] {
    return [...this.ownBeings(), ...this.#writes.leaving()]
  }

  /** Fields of ours that should not be there go, entries of ours that should be there are written again. */
  #compareOwn(found: ReadonlyMap<BeingId, PresenceEntry> | undefined, orphans: Orphans): void {
    const extra = [...(found?.keys() ?? [])].filter((being) => !this.#own.entries.has(being))
    if (extra.length > 0) orphans.set(this.#name.bootId, extra)
    this.#own.repeat([...this.#own.entries.keys()].filter((being) => found?.has(being) !== true))
  }

  /** What is due after anything happened: take over own changes, read, freeze, thaw, open a window. */
  #settle(now: number): void {
    for (const [being, change] of this.#own.takeChanged()) this.#takeOver(being, change)
    if (!this.#writes.isEmpty && this.#link === 'up') this.#effects.push({ type: 'writeHash' })
    if (!this.#isWatched) {
      this.#sayGoodbye(this.#merged.takeChanged(), now)
      return
    }
    if (this.#link === 'up' && this.#remote.wantsRead) {
      this.#remote.readBegan()
      this.#effects.push({ type: 'readHash', turn: ++this.#turn })
    }
    if (!this.isExact) this.#freeze(now)
    else if (this.#isToldFrozen || this.#listing.isUntold) this.#flush(now)
    else if (this.#merged.hasChanged) this.#flushAt ??= now + windowFor(this.#merged.count, this.#settings)
  }

  #takeOver(being: BeingId, change: OwnChange): void {
    this.#writes.add(being, change)
    if (change.type === 'here') {
      this.#merged.put(this.#name.bootId, being, { ...change.entry, rev: 0 })
      this.#farewells.mind(being)
      this.#leaving.delete(being)
    } else if (this.#isWatched) this.#leaving.set(being, change.at)
    else this.#leave(this.#name.bootId, being, change.at)
  }

  #leave(bootId: BootId, being: BeingId, at: number): void {
    this.#leaving.delete(being)
    this.#merged.remove(bootId, being)
    this.#farewells.seen(being, at)
  }

  #freeze(now: number): void {
    const isPending = this.#flushAt !== undefined
    this.#flushAt = undefined
    if (this.#isToldFrozen || this.#listing.isUntold) return
    // Newcomers were told of it already.
    if (isPending) this.#flush(now)
    this.#isToldFrozen = true
    const quiet = { joined: [], left: [], updated: [], hereCount: this.#listing.count }
    this.#send(quiet, true)
  }

  #flush(now: number): void {
    this.#flushAt = undefined
    const changed = this.#merged.takeChanged()
    this.#sayGoodbye(changed, now)
    const quiet: RosterNews = { joined: [], left: [], updated: [], hereCount: this.#merged.count }
    const news = this.#listing.news(changed, this.#merged)
    if (news !== undefined || this.#isToldFrozen) this.#send(news ?? quiet, false)
    this.#isToldFrozen = false
  }

  #send(news: RosterNews, frozen: boolean): void {
    this.#effects.push({ type: 'sendFrame', frame: { type: 'presence', space: this.space, ...news, frozen } })
  }

  #mourn(being: BeingId, at: number): void {
    this.#farewells.mourn(being, at)
    this.#merged.touch(being)
  }

  #sayGoodbye(changed: readonly BeingId[], now: number): void {
    const gone = this.#farewells.say(changed, (being) => this.#merged.has(being), now)
    for (const { being, at } of gone) this.#effects.push({ type: 'reportLastSeen', being, at })
  }
}
