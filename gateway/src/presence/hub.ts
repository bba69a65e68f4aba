/**
 * Presence on one gateway: one `SpacePresence` for each space that is watched or in which somebody is here through this
 * gateway, made when it is first needed and let go of when nothing would be lost with it. Whether this gateway lives,
 * and which others do, is for heartbeat.ts.
 *
 * Cost: an idle gateway sends one heartbeat every third of the lease, whatever the number of connections and spaces.
 */
import { type BeingId, type BootId, type JsonObject, parseGatewayBeat, type SpaceId } from '@rhizom/protocol'
import type { LinkChange } from '../core/presence/lease.ts'
import type { ConnectionId } from '../core/presence/local.ts'
import { NOBODY } from '../core/presence/merged.ts'
import type { RosterEvent } from '../core/presence/roster.ts'
import { Heartbeat, type LinkedDeps, type PresenceDeps } from './heartbeat.ts'
import { OrphanCleaner } from './orphan-cleaner.ts'
import { type RosterHandle, SpacePresence } from './space-presence.ts'
import { PresenceWriter } from './writer.ts'

/** One connection that counts as here in one space; whoever made it ends it. */
export interface PresenceHandle {
  setState(state: JsonObject): void
  /** It may be back soon: its being stays for the grace. */
  leave(): void
}

/** Spaces of our own that are looked at when Redis is back. */
const MAX_OWN = 10_000

export class PresenceHub {
  readonly #deps: LinkedDeps
  readonly #spaces = new Map<SpaceId, SpacePresence>()
  readonly #heartbeat: Heartbeat
  readonly #writer: PresenceWriter
  readonly #cleaner: OrphanCleaner
  #isStopped = false
  #empty: PromiseWithResolvers<void> | undefined

  constructor(deps: PresenceDeps) {
    this.#heartbeat = new Heartbeat({ ...deps, rosters: this.#spaces, carryOut: (change) => this.#carryOut(change) })
    this.#deps = { ...deps, heartbeat: this.#heartbeat }
    this.#writer = new PresenceWriter(this.#deps)
    this.#cleaner = new OrphanCleaner(this.#deps)
    this.#heartbeat.start()
  }

  get hasLease(): boolean {
    return this.#heartbeat.state.lease.status === 'held' && this.#heartbeat.isLinkUp
  }

  get entryCount(): number {
    return this.#rosters.reduce((entries, { local }) => entries + local.count, 0)
  }

  get frozenCount(): number {
    return this.#rosters.filter(({ isWatched, isExact }) => isWatched && !isExact).length
  }

  /** A connection counts as here. One that left within the grace goes on where it was. */
  join(space: SpaceId, being: BeingId, connection: ConnectionId): PresenceHandle {
    const one = this.#isStopped ? undefined : this.#obtain(space)
    one?.dispatch({ type: 'joined', connection, being })
    return {
      setState: (state) => one?.dispatch({ type: 'stateSet', connection, being, state }),
      leave: () => one?.dispatch({ type: 'left', connection, being }),
    }
  }

  /** A space is followed: `tell` takes frames for all its followers. */
  watch(space: SpaceId, tell: (frame: Uint8Array) => void): RosterHandle {
    const one = this.#obtain(space)
    one.watch(tell)
    return one
  }

  /** They may not be here any more, in whatever space, nor if they left a moment ago. */
  removeBeings(beings: ReadonlySet<BeingId>): void {
    this.#dispatchAll({ type: 'restricted', mayStay: (being) => !beings.has(being) })
  }

  gatewayBeatReceived(message: Uint8Array): void {
    const beat = parseGatewayBeat(Buffer.from(message).toString('utf8'))
    if (!beat.ok) {
      this.#deps.metrics.hints.inc({ direction: 'unreadable' })
      return
    }
    const { bootId: epoch, wrote, stops } = beat.value
    if (epoch === this.#heartbeat.identity.bootId) return
    if (stops) return this.#carryOut({ type: 'gatewaysGone', boots: [epoch] })
    for (const [space, version] of Object.entries(wrote))
      this.#spaces.get(space)?.dispatch({ type: 'headReceived', head: { epoch, version } })
  }

  channelJoined(space: SpaceId): void {
    this.#spaces.get(space)?.dispatch({ type: 'readWanted' })
  }

  busLost(): void {
    this.#heartbeat.dispatch({ type: 'busLost' })
  }

  busRecovered(): void {
    this.#heartbeat.dispatch({ type: 'busRecovered' })
  }

  /** The clients are asked to come back elsewhere after this long, and should not seem to leave meanwhile. */
  extendGrace(byMs: number): void {
    this.#dispatchAll({ type: 'graceExtended', byMs })
  }

  /** Resolves when nobody is here through this gateway any more. */
  whenEmpty(): Promise<void> {
    this.#empty ??= Promise.withResolvers()
    this.#tellIfEmpty()
    return this.#empty.promise
  }

  /** Lets go of the lease and of whoever is left. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#dispatchAll({ type: 'unwatched' })
    this.#writer.flush()
    this.#isStopped = true
    this.#heartbeat.stop()
    const { clock, lastSeen, store, log } = this.#deps
    const rosters = this.#rosters
    for (const { local } of rosters) for (const being of local.beings()) lastSeen.note(being, clock.dateMs())
    const beings = new Map(rosters.map(({ space, local }) => [space, local.storedBeings()] as const))
    for (const one of this.#spaces.values()) one.stop()
    this.#spaces.clear()
    const { bootId } = this.#heartbeat.identity
    try {
      if (this.#heartbeat.state.lease.status === 'held')
        await store.leave({ bootId, beings, announce: { bootId, wrote: {}, stops: true } })
    } catch (error) {
      log.warn({ error: String(error) }, 'presence could not be cleared: the lease is left to run out')
    }
    store.stop()
    await lastSeen.flush()
    lastSeen.stop()
  }

  get #rosters() {
    return [...this.#spaces.values()].map(({ roster }) => roster)
  }

  #obtain(space: SpaceId): SpacePresence {
    const known = this.#spaces.get(space)
    if (known !== undefined) return known
    const parts = { ...this.#deps, writer: this.#writer, cleaner: this.#cleaner }
    const made = new SpacePresence(space, { ...parts, changed: (one) => this.#changed(one) })
    this.#spaces.set(space, made)
    return made
  }

  #dispatchAll(event: RosterEvent): void {
    for (const one of [...this.#spaces.values()]) one.dispatch(event)
  }

  #changed(one: SpacePresence): void {
    const { roster } = one
    if (roster.isIdle && this.#spaces.get(roster.space) === one) {
      one.stop()
      this.#spaces.delete(roster.space)
    }
    this.#tellIfEmpty()
  }

  /** What becomes of our link to Redis and of other gateways is told to every roster. */
  #carryOut(change: LinkChange): void {
    if (change.type === 'gatewaysGone') for (const boot of change.boots) this.#cleaner.cleanUpAfter(boot)
    this.#dispatchAll(change)
    if (change.type === 'linkFound') this.#heartbeat.expect(this.#compareOwn(change.identity.bootId), () => undefined)
  }

  /**
   * A replica that lagged may remember somebody who left through us in a space that nobody follows here. Where somebody
   * does, the roster compares our entries whenever it reads; it may be let go of before it has, so it is not relied on.
   */
  async #compareOwn(boot: BootId): Promise<void> {
    const { store } = this.#deps
    for (const space of await store.spacesOf(boot, MAX_OWN)) {
      const { entries } = await store.read(space, [boot])
      if (this.#isStopped || boot !== this.#heartbeat.identity.bootId) return
      const one = this.#obtain(space)
      one.dispatch({ type: 'ownRead', entries: entries?.get(boot) ?? NOBODY })
      if (one.roster.isIdle) await store.removeSpaces(boot, [space])
    }
  }

  #tellIfEmpty(): void {
    if (this.#empty !== undefined && this.entryCount === 0) this.#empty.resolve()
  }
}
