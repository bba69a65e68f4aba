/**
 * Who is here: the roster of one space as one gateway knows it and tells its clients.
 *
 *   connections ──► local ───┐               ┌─► frames: joined, left, updated, gathered in a window
 *                            ├─► merged ─► listing
 *   hints, reads ─► remote ──┘               └─► answers to subscribe
 *
 * Whatever happens only changes what is known; then `afterEvent` compares it with what Redis and the clients were told,
 * and makes the effects. The shell (presence/hub.ts) owns time, Redis and sockets; lease.ts knows whether this gateway
 * and others live. Unlike the other machines it is changed in place, as it may hold thousands.
 *
 * While the roster cannot be known (Redis away, not read yet, others in doubt) it is frozen: one frame says so, what
 * changes meanwhile is kept back, and when it is exact again one frame brings all clients level.
 */
import type { Machine, Moment } from '@rhizom/machine'
import type { BeingId, BootId, Here, ServerFrame, SpaceId } from '@rhizom/protocol'
import type { GatewayIdentity, Trust } from './lease.ts'
import { Listing, type RosterDifference } from './listing.ts'
import { LocalPresence } from './local.ts'
import { MergedPresence, NOBODY } from './merged.ts'
import { type PresenceRead, type ReceivedHint, RemotePresence } from './remote.ts'

export interface RosterSettings {
  graceMs: number
  windowMs: number
  listLimit: number
}

export type PresenceFrame = Extract<ServerFrame, { type: 'presence' }>

export type RosterEffect =
  /** The answer names `readSeq`, so that one that was overtaken is told apart. */
  | { type: 'readHash'; readSeq: number }
  /** `local.takeWrite` has something to say. */
  | { type: 'writeHash' }
  /** A gateway that is no more has entries in the hash. */
  | { type: 'cleanUpAfter'; boot: BootId }
  | { type: 'sendFrame'; frame: PresenceFrame }
  /** `at` is a date. */
  | { type: 'reportLastSeen'; being: BeingId; at: number }

/** Those who follow the space here, and what they were told last. */
interface Audience {
  listing: Listing
  told: 'nothing' | 'frozen' | 'exact'
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
  /** Who is here through this gateway: connections come and go there. */
  readonly local: LocalPresence
  /** Who is here through others: heads are heard there. */
  readonly remote: RemotePresence
  readonly #settings: RosterSettings
  readonly #merged = new MergedPresence()
  #link: 'up' | 'down'
  #audience: Audience | undefined
  #effects: RosterEffect[] = []

  constructor(space: SpaceId, identity: GatewayIdentity, link: 'up' | 'down', settings: RosterSettings) {
    this.space = space
    this.#link = link
    this.#settings = settings
    this.remote = new RemotePresence(this.#merged)
    this.local = new LocalPresence(this.#merged, identity, settings.graceMs, (being, date) =>
      this.#effects.push({ type: 'reportLastSeen', being, at: date }),
    )
  }

  get isExact(): boolean {
    return this.remote.isExact
  }

  get isWatched(): boolean {
    return this.#audience !== undefined
  }

  /** Whether nothing would be lost with it. */
  get isIdle(): boolean {
    return !this.isWatched && this.local.count === 0 && !this.local.hasUnconfirmedLeaves
  }

  /** Fields that the hash should have; unknown unless exact. */
  get entryCount(): number | undefined {
    return this.isExact && this.local.isWritten && !this.local.hasUnconfirmedLeaves
      ? this.#merged.entryCount
      : undefined
  }

  get wakesAtMs(): number | undefined {
    const times = [this.#audience?.flushAtMs, this.local.wakesAtMs, this.remote.wakesAtMs]
    return least(times.filter((time) => time !== undefined))
  }

  takeEffects(): RosterEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** A new audience is told of everybody. */
  watch(): void {
    const listing = new Listing(this.#settings.listLimit, this.#merged)
    this.#audience = { listing, told: 'nothing', flushAtMs: undefined }
  }

  /** Nobody follows the space here any more; hints do not arrive from now on. */
  unwatch(): void {
    this.#audience = undefined
    this.remote.forget()
    // Those who are here through others have not left: it is we who stop looking.
    this.#merged.takeChanged()
  }

  linkLost(): void {
    if (this.#link === 'down') return
    this.#link = 'down'
    this.remote.lose()
  }

  /** Redis is there and the lease is ours: everything of ours is said again, and the hash is read. */
  linkFound(identity: GatewayIdentity): void {
    this.#link = 'up'
    this.local.beginAnew(identity)
    this.readWanted()
  }

  hintReceived(received: ReceivedHint): void {
    if (received.range.epoch === this.local.identity.bootId) return
    this.remote.hintReceived(received)
    for (const [being, { since }] of Object.entries(received.hint.put ?? {})) this.local.adopt(being, since)
  }

  /** The space's channel is joined (again), so that every hint from now on arrives; or something does not add up. */
  readWanted(): void {
    if (this.isWatched) this.remote.wantRead()
  }

  readDone(readSeq: number, read: PresenceRead, trust: Trust, at: Moment): void {
    const { identity } = this.local
    const gone = (boot: BootId): unknown => this.#effects.push({ type: 'cleanUpAfter', boot })
    if (!this.remote.readDone(readSeq, read, identity, trust, gone) || read.entries === undefined) return
    this.local.compare(read.entries.get(identity.bootId) ?? NOBODY, at)
  }

  /** The lease of another gateway is gone for good: all who were here only through it leave together, and soon. */
  gatewayGone(boot: BootId, { nowMs }: Moment): void {
    this.remote.removePart(boot)
    const audience = this.#audience
    if (audience !== undefined && this.#merged.hasChanged)
      audience.flushAtMs = Math.min(audience.flushAtMs ?? Number.POSITIVE_INFINITY, nowMs + this.#settings.windowMs)
  }

  /** What newcomers are told, themselves included. Nobody is told anything of a space that is not watched. */
  answer(newcomers: readonly BeingId[]): { here: Here[]; hereCount: number; frozen: boolean } {
    const audience = this.#audience
    if (audience === undefined) return { here: [], hereCount: 0, frozen: true }
    if (!this.isExact) audience.told = 'frozen'
    return { ...audience.listing.answer(newcomers), frozen: !this.isExact }
  }

  /** After whatever happened: what is due now, for Redis and for the clients. */
  afterEvent(at: Moment): void {
    this.local.timePassed(at)
    this.remote.timePassed(at)
    if (this.#link === 'up') {
      if (!this.local.isWritten) this.#effects.push({ type: 'writeHash' })
      if (this.isWatched && this.remote.isReadDue)
        this.#effects.push({ type: 'readHash', readSeq: this.remote.beginRead() })
    }
    if (this.#audience !== undefined) this.#tell(this.#audience, at)
  }

  #tell(audience: Audience, { nowMs }: Moment): void {
    if (!this.isExact) {
      this.#freeze(audience)
    } else if (audience.told !== 'exact') {
      this.#flush(audience)
    } else if (this.#merged.hasChanged) {
      audience.flushAtMs ??= nowMs + windowFor(this.#merged.count, this.#settings)
      if (audience.flushAtMs <= nowMs) this.#flush(audience)
    }
  }

  #freeze(audience: Audience): void {
    if (audience.told === 'exact') {
      // Newcomers were told of it already.
      if (audience.flushAtMs !== undefined) this.#flush(audience)
      this.#send(unchanged(audience.listing.count), true)
      audience.told = 'frozen'
    }
    audience.flushAtMs = undefined
  }

  #flush(audience: Audience): void {
    const difference = audience.listing.takeDifference()
    if (difference !== undefined || audience.told === 'frozen')
      this.#send(difference ?? unchanged(this.#merged.count), false)
    audience.told = 'exact'
    audience.flushAtMs = undefined
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
    roster.afterEvent(at)
    return { state: { roster }, effects: roster.takeEffects() }
  },
}
