/**
 * Who is here: the roster of one space, as one gateway knows it and tells its clients.
 *
 *   connections ──► local ───┐               ┌─► frames: joined, left, updated, gathered in a window
 *                            ├─► merged ─► listing
 *   hints, reads ─► remote ──┘               └─► answers to subscribe
 *
 * An event changes what is known; then `#afterEvent` compares that with what Redis and the clients were told. While who
 * is here cannot be known (Redis away, not read yet, others in doubt) the roster is frozen: one frame says so, and one
 * brings all clients level when it is exact again. Unlike other machines it is changed in place: it may hold thousands.
 */
import { type Machine, type Moment, soonest, type TimePassed } from '@rhizom/machine'
import type { BeingId, BootId, Here, JsonObject, Position, ServerFrame, SpaceId } from '@rhizom/protocol'
import type { GatewayIdentity, LinkChange, Trust } from './lease.ts'
import { Listing, type RosterDifference } from './listing.ts'
import { type ConnectionId, LocalPresence, type PresenceWrite } from './local.ts'
import { MergedPresence, NOBODY, type Part } from './merged.ts'
import { type PresenceRead, type ReceivedHint, RemotePresence } from './remote.ts'

export interface RosterSettings {
  graceMs: number
  windowMs: number
  listLimit: number
}

export type PresenceFrame = Extract<ServerFrame, { type: 'presence' }>

/** Who is here, of an answer to `subscribe`; `frozen` if this is what was known last. */
export type RosterAnswer = Pick<PresenceFrame, 'hereCount' | 'frozen'> & { here: readonly Here[] }

export type RosterEvent =
  /** A connection counts as here; it went, and its being stays for the grace. */
  | { type: 'joined' | 'left'; connection: ConnectionId; being: BeingId }
  | { type: 'stateSet'; connection: ConnectionId; being: BeingId; state: JsonObject }
  /** All others may not be here any more, also within their grace. */
  | { type: 'restricted'; mayStay: (being: BeingId) => boolean }
  /** Those who left were asked to stay away for as long, and come back elsewhere after it. */
  | { type: 'graceExtended'; byMs: number }
  | LinkChange
  /**
   * Somebody follows the space here; nobody does any more; the channel is joined (again), so that every hint from now
   * on arrives, or something does not add up.
   */
  | { type: 'watched' | 'unwatched' | 'readWanted' }
  /** `trust` holds from the beginning of the read to its end. */
  | { type: 'readAnswered'; readSeq: number; read: PresenceRead; trust: Trust }
  | ({ type: 'hintReceived' } & ReceivedHint)
  | { type: 'headReceived'; head: Position<BootId> }
  /** Redis has taken a write; or this is what it holds of ours where nobody follows. */
  | { type: 'written'; write: PresenceWrite }
  | { type: 'ownRead'; entries: Part }

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
interface Followers {
  listing: Listing
  told: 'nothing' | 'frozen' | 'exact'
  flushAtMs?: number | undefined
}

/** The longest that the frames of a big space are gathered. */
const MAX_WINDOW_MS = 5000

/** Over the limit the window grows with the space: its clients together are sent no more frames a second. */
export function windowFor(count: number, { windowMs, listLimit }: RosterSettings): number {
  const stretched = Math.round((windowMs * count) / Math.max(1, listLimit))
  return Math.max(windowMs, Math.min(stretched, MAX_WINDOW_MS))
}

export class Roster {
  readonly space: SpaceId
  readonly local: LocalPresence
  readonly remote: RemotePresence
  readonly #settings: RosterSettings
  readonly #merged = new MergedPresence()
  #link: 'up' | 'down'
  #followers: Followers | undefined
  readonly #effects: RosterEffect[] = []

  constructor(space: SpaceId, identity: GatewayIdentity, link: 'up' | 'down', settings: RosterSettings) {
    this.space = space
    this.#link = link
    this.#settings = settings
    this.remote = new RemotePresence(this.#merged)
    this.local = new LocalPresence(this.#merged, identity, settings.graceMs, (being, at) =>
      this.#effects.push({ type: 'reportLastSeen', being, at }),
    )
  }

  get isExact(): boolean {
    return this.remote.isExact
  }

  get isWatched(): boolean {
    return this.#followers !== undefined
  }

  /** Whether nothing would be lost with it. */
  get isIdle(): boolean {
    return !this.isWatched && this.local.count === 0 && this.local.isSettled
  }

  /** Fields that the hash should have; unknown unless exact. */
  get entryCount(): number | undefined {
    return this.isExact && this.local.isSettled ? this.#merged.entryCount : undefined
  }

  get wakesAtMs(): number | undefined {
    return soonest([this.#followers?.flushAtMs, this.local.wakesAtMs, this.remote.wakesAtMs])
  }

  /** What newcomers are told, themselves included. Nobody is told anything of a space that is not watched. */
  answer(newcomers: readonly BeingId[]): RosterAnswer {
    const followers = this.#followers
    if (followers === undefined) return { here: [], hereCount: 0, frozen: true }
    if (!this.isExact) followers.told = 'frozen'
    return { ...followers.listing.answer(newcomers), frozen: !this.isExact }
  }

  step(event: RosterEvent | TimePassed, at: Moment): RosterEffect[] {
    this.#happened(event, at)
    this.#afterEvent(at)
    return this.#effects.splice(0)
  }

  #happened(event: RosterEvent | TimePassed, at: Moment): void {
    const { local, remote } = this
    switch (event.type) {
      case 'timePassed':
        return
      case 'joined':
        return local.join(event.connection, event.being, at)
      case 'left':
        return local.leave(event.connection, event.being, at)
      case 'stateSet':
        return local.setState(event.connection, event.being, event.state, at)
      case 'restricted':
        return local.retainOnly(event.mayStay, at)
      case 'graceExtended':
        return local.extendGrace(event.byMs)
      case 'watched':
        this.#followers = { listing: new Listing(this.#settings.listLimit, this.#merged), told: 'nothing' }
        return
      case 'unwatched':
        this.#followers = undefined
        remote.forget()
        // Those who are here through others have not left: it is we who stop looking.
        this.#merged.takeChanged()
        return
      case 'linkFound':
        this.#link = 'up'
        local.beginAnew(event.identity, event.isRecovering)
        return this.#wantRead()
      case 'linkLost':
        this.#link = 'down'
        return remote.lose()
      case 'trustRestored':
        local.tellLeaves()
        return this.isWatched ? remote.trustRestored() : undefined
      case 'readWanted':
        return this.#wantRead()
      case 'readAnswered':
        return this.#readAnswered(event, at)
      case 'hintReceived':
        return this.#hintReceived(event)
      case 'headReceived':
        return remote.headReceived(event.head, at)
      case 'gatewaysGone':
        return this.#gatewaysGone(event.boots, at)
      case 'written':
        return local.written(event.write)
      case 'ownRead':
        return local.compare(event.entries, at)
      default:
        event satisfies never
    }
  }

  #wantRead(): void {
    if (this.isWatched) this.remote.wantRead()
  }

  #hintReceived({ range, hint }: ReceivedHint): void {
    if (range.epoch === this.local.identity.bootId) return
    this.remote.hintReceived({ range, hint })
    for (const [being, { since }] of Object.entries(hint.put ?? {})) this.local.adopt(being, since)
  }

  #readAnswered({ readSeq, read, trust }: Extract<RosterEvent, { type: 'readAnswered' }>, at: Moment): void {
    const { identity } = this.local
    const gone = this.remote.readAnswered(readSeq, read, identity, trust)
    if (gone === undefined) return
    for (const boot of gone) this.#effects.push({ type: 'cleanUpAfter', boot })
    if (read.entries !== undefined) this.local.compare(read.entries.get(identity.bootId) ?? NOBODY, at)
  }

  /** All who were here only through them leave together, and soon. */
  #gatewaysGone(boots: readonly BootId[], { nowMs }: Moment): void {
    for (const boot of boots) this.remote.removePart(boot)
    const followers = this.#followers
    if (followers?.told === 'exact' && this.#merged.hasChanged)
      followers.flushAtMs = Math.min(followers.flushAtMs ?? Number.POSITIVE_INFINITY, nowMs + this.#settings.windowMs)
  }

  #afterEvent(at: Moment): void {
    this.local.timePassed(at)
    this.remote.timePassed(at)
    if (this.#link === 'up') {
      if (!this.local.isWritten) this.#effects.push({ type: 'writeHash' })
      if (this.isWatched && this.remote.isReadDue)
        this.#effects.push({ type: 'readHash', readSeq: this.remote.beginRead() })
    }
    if (this.#followers !== undefined) this.#tell(this.#followers, at)
  }

  #tell(followers: Followers, { nowMs }: Moment): void {
    if (!this.isExact) {
      if (followers.told === 'exact') this.#freeze(followers)
    } else if (followers.told !== 'exact') {
      this.#flush(followers)
    } else if (this.#merged.hasChanged) {
      followers.flushAtMs ??= nowMs + windowFor(this.#merged.count, this.#settings)
      if (followers.flushAtMs <= nowMs) this.#flush(followers)
    }
  }

  #freeze(followers: Followers): void {
    // Newcomers were told of it already.
    if (followers.flushAtMs !== undefined) this.#flush(followers)
    this.#send(unchanged(followers.listing.count), true)
    followers.told = 'frozen'
  }

  #flush(followers: Followers): void {
    const difference = followers.listing.takeDifference()
    if (difference !== undefined || followers.told === 'frozen')
      this.#send(difference ?? unchanged(this.#merged.count), false)
    followers.told = 'exact'
    followers.flushAtMs = undefined
  }

  #send(difference: RosterDifference, frozen: boolean): void {
    this.#effects.push({ type: 'sendFrame', frame: { type: 'presence', space: this.space, ...difference, frozen } })
  }
}

const unchanged = (hereCount: number): RosterDifference => ({ joined: [], left: [], updated: [], hereCount })

/** Each step gives another state, as something may have changed; it holds the same roster. */
export const rosterMachine: Machine<{ roster: Roster }, RosterEvent, RosterEffect> = {
  wakesAtMs: ({ roster }) => roster.wakesAtMs,
  step: ({ roster }, event, at) => ({ state: { roster }, effects: roster.step(event, at) }),
}
