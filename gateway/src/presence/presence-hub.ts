/**
 * Runs presence on one gateway: a roster for each space that is watched or in which somebody is here through this
 * gateway (core/presence/roster.ts), and the lease (core/presence/lease.ts). Carries out what they decide on Redis, on the feeds and on
 * the api; writes of all spaces that come within a moment go together.
 *
 * Cost: an idle gateway sends one heartbeat a third of the lease, whatever the number of connections and spaces.
 */
import {
  type BeingId,
  type BootId,
  encodeFrame,
  type JsonObject,
  parseGatewayBeat,
  parsePresenceHint,
  type PresenceMessage,
  type SpaceId,
} from '@rhizom/protocol'
import type { LeaseSettings } from '../core/presence/lease.ts'
import type { ConnectionId } from '../core/presence/own-presence.ts'
import { SpaceRoster } from '../core/presence/roster.ts'
import type { PresenceWrite, RosterEffect, RosterSettings } from '../core/presence/roster-effect.ts'
import type { Clock } from '@rhizom/machine'
import type { Log, PresenceStore } from '../ports.ts'
import { BeatContent } from './beat-content.ts'
import { Estates } from './estates.ts'
import type { LastSeen } from './last-seen.ts'
import { type BeatLoad, LeaseKeeper } from './lease-keeper.ts'
import type { PresenceMetrics } from './presence-metrics.ts'
import { PresenceWriter } from './presence-writer.ts'
import type { Roster, RosterAnswer } from './roster.ts'
import { Rosters } from './rosters.ts'
import type { Happening, SpacePresence } from './space-presence.ts'

export interface PresenceHubPorts {
  clock: Clock
  store: PresenceStore
  lastSeen: Pick<LastSeen, 'note' | 'flush' | 'stop'>
  /** A name no gateway had before. */
  newBootId(): string
  metrics: PresenceMetrics
  log: Log
  settings: PresenceSettings
}

export interface PresenceSettings {
  roster: RosterSettings
  lease: LeaseSettings
}

const encoder = new TextEncoder()

export class PresenceHub implements Roster {
  readonly #ports: PresenceHubPorts
  readonly #rosters: Rosters
  readonly #beats: BeatContent
  readonly #lease: LeaseKeeper
  readonly #writer: PresenceWriter
  readonly #estates: Estates
  #isStopped = false
  #emptied: (() => void)[] = []

  constructor(ports: PresenceHubPorts) {
    this.#ports = ports
    this.#beats = new BeatContent(ports.settings.lease)
    this.#rosters = new Rosters({
      ...ports,
      open: (id) => new SpaceRoster(id, this.#lease.name, ports.settings.roster),
      opened: (space) => {
        if (this.#lease.link === 'up') space.run((roster, now) => roster.linkFound(this.#lease.name, now))
      },
      closed: (id) => this.#beats.forget(id),
      carryOut: (space, effect) => this.#carryOut(space, effect),
      changed: () => this.#tellIfEmpty(),
    })
    this.#lease = new LeaseKeeper({
      ...ports,
      settings: ports.settings.lease,
      load: ({ bootId }) => this.#load(bootId),
      linkFound: (name) => {
        this.#withAll((roster, now) => roster.linkFound(name, now))
        this.#estates.tidy(name.bootId)
      },
      linkLost: () => this.#linkLost(),
      gatewaysGone: (gone) => this.#gatewaysGone(gone),
    })
    this.#writer = new PresenceWriter({
      ...ports,
      beats: this.#beats,
      isLinkUp: () => this.#lease.link === 'up',
      written: (writes) => this.#written(writes),
      failed: (writes, error) => this.#writeFailed(writes, error),
    })
    this.#estates = new Estates({
      ...ports,
      ownBeings: (id) => this.#ownBeings(id),
      failed: (error) => this.#failed(error),
    })
    this.#lease.start()
  }

  get hasLease(): boolean {
    return this.#lease.isHeld && this.#lease.link === 'up'
  }

  get entryCount(): number {
    let entries = 0
    for (const { roster } of this.#rosters.values()) entries += roster.ownCount
    return entries
  }

  get frozenCount(): number {
    let frozen = 0
    for (const { roster, tell } of this.#rosters.values()) if (tell !== undefined && !roster.isExact) frozen++
    return frozen
  }

  opened(id: SpaceId, tell: (frame: Uint8Array) => void): void {
    const space = this.#rosters.obtain(id)
    space.tell = tell
    this.#with(space, (roster) => roster.watched())
  }

  closed(id: SpaceId): void {
    const space = this.#rosters.get(id)
    if (space === undefined) return
    space.tell = undefined
    this.#with(space, (roster, now) => roster.unwatched(now))
  }

  ready(id: SpaceId): Promise<void> {
    const space = this.#rosters.get(id)
    return space === undefined || this.#lease.link === 'down' ? Promise.resolve() : space.ready()
  }

  here(id: SpaceId, newcomers: readonly BeingId[]): RosterAnswer {
    return this.#rosters.obtain(id).roster.answer(newcomers)
  }

  came(id: SpaceId, connection: ConnectionId, being: BeingId): void {
    this.#with(this.#rosters.obtain(id), (roster, now) => roster.came(connection, being, now))
  }

  left(id: SpaceId, connection: ConnectionId): void {
    this.#with(this.#rosters.get(id), (roster, now) => roster.left(connection, now))
  }

  ended(id: SpaceId, connection: ConnectionId): void {
    this.#with(this.#rosters.get(id), (roster, now) => roster.ended(connection, now))
  }

  restricted(id: SpaceId, mayRead: (being: BeingId) => boolean): void {
    this.#with(this.#rosters.get(id), (roster, now) => roster.restricted(mayRead, now))
  }

  expelled(beings: ReadonlySet<BeingId>): void {
    for (const space of [...this.#rosters.values()])
      if (space.roster.ownBeings().some((being) => beings.has(being)))
        this.#with(space, (roster, now) => roster.restricted((being) => !beings.has(being), now))
  }

  stateSet(id: SpaceId, connection: ConnectionId, being: BeingId, state: JsonObject): void {
    this.#with(this.#rosters.get(id), (roster, now) => roster.stateSet(connection, being, state, now))
  }

  heard(id: SpaceId, message: PresenceMessage): void {
    const hint = parsePresenceHint(message)
    this.#ports.metrics.hints.inc({ direction: hint.ok ? 'heard' : 'unreadable' })
    const { bootId, from, to } = message
    this.#with(this.#rosters.get(id), (roster, now) =>
      hint.ok ? roster.heard({ bootId, from, to, hint: hint.value }, now) : roster.suspect(now),
    )
  }

  beatHeard(message: Uint8Array): void {
    const beat = parseGatewayBeat(Buffer.from(message).toString('utf8'))
    if (!beat.ok || beat.value.bootId === this.#lease.name.bootId) return
    const { bootId, wrote, stops } = beat.value
    if (stops) this.#gatewaysGone(new Map([[bootId, this.#ports.clock.dateMs()]]))
    else
      for (const [id, rev] of Object.entries(wrote))
        this.#with(this.#rosters.get(id), (roster, now) => roster.beatHeard(bootId, rev, now))
  }

  channelJoined(id: SpaceId): void {
    this.#with(this.#rosters.get(id), (roster, now) => roster.channelJoined(now))
  }

  busLost(): void {
    this.#lease.dispatch({ type: 'busLost' })
  }

  busRecovered(): void {
    this.#lease.dispatch({ type: 'busRecovered' })
  }

  prolong(ms: number): void {
    this.#withAll((roster) => roster.prolong(ms))
  }

  emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.#emptied.push(resolve)
      this.#tellIfEmpty()
    })
  }

  /** Lets go of the lease and of whoever is left. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#withAll((roster, now) => roster.unwatched(now))
    this.#writer.flush()
    this.#isStopped = true
    this.#lease.stop()
    const { clock, lastSeen, store, log } = this.#ports
    const beings = new Map([...this.#rosters.values()].map(({ roster }) => [roster.space, roster.ownBeings()] as const))
    for (const those of beings.values()) for (const being of those) lastSeen.note(being, clock.dateMs())
    const stored = new Map(
      [...this.#rosters.values()].map(({ roster }) => [roster.space, roster.storedBeings()] as const),
    )
    const { bootId } = this.#lease.name
    this.#rosters.stop()
    try {
      if (this.#lease.isHeld) await store.leave({ bootId, beings: stored, beat: { bootId, wrote: {}, stops: true } })
    } catch (error) {
      log.debug({ error: String(error) }, 'the lease is left to run out')
    }
    store.stop()
    await lastSeen.flush()
    lastSeen.stop()
  }

  #with(space: SpacePresence | undefined, happen: Happening): void {
    if (!this.#isStopped) this.#rosters.with(space, happen)
  }

  #carryOut(space: SpacePresence, effect: RosterEffect): void {
    const { metrics, lastSeen } = this.#ports
    switch (effect.type) {
      case 'readHash':
        this.#read(space, effect.turn)
        return
      case 'writeHash':
        this.#writer.add(space.roster)
        return
      case 'removeOrphans':
        this.#removeOrphans(space.roster.space, effect.orphans)
        return
      case 'sendFrame':
        metrics.frames.inc({ kind: effect.frame.frozen ? 'frozen' : 'change' })
        space.tell?.(encoder.encode(encodeFrame(effect.frame)))
        return
      case 'reportLastSeen':
        lastSeen.note(effect.being, effect.at)
        return
      default:
        effect satisfies never
    }
  }

  #read(space: SpacePresence, turn: number): void {
    const { store, metrics } = this.#ports
    const { bootId } = this.#lease.name
    store.read(space.roster.space, [...space.roster.boots(), bootId]).then(
      (read) => {
        metrics.reads.inc({ outcome: 'answered' })
        // Where our own lease is missing Redis lost more than others': a missing one proves nothing, and a heartbeat
        // finds out.
        const isLost = !read.leases.has(bootId)
        this.#with(space, (roster, now) => roster.readDone(turn, read, isLost || this.#lease.isDoubtful, now))
        if (isLost) this.#lease.dispatch({ type: 'beatWanted' })
      },
      (error: unknown) => {
        metrics.reads.inc({ outcome: 'failed' })
        this.#failed(error)
      },
    )
  }

  /** A roster that waited for its last write may be let go of now. */
  #written(writes: readonly PresenceWrite[]): void {
    for (const write of writes) this.#with(this.#rosters.get(write.space), (roster, now) => roster.written(write, now))
  }

  #writeFailed(writes: readonly PresenceWrite[], error: unknown): void {
    if (this.#isStopped) return
    for (const write of writes) this.#rosters.obtain(write.space).roster.writeFailed(write)
    this.#failed(error)
  }

  #removeOrphans(space: SpaceId, orphans: ReadonlyMap<string, BeingId[]>): void {
    const { store, metrics } = this.#ports
    store.removeOrphans(space, new Map(orphans)).then(
      () => {
        for (const beings of orphans.values()) metrics.orphansRemoved.inc(beings.length)
      },
      (error: unknown) => this.#failed(error),
    )
  }

  #failed(error: unknown): void {
    if (this.#isStopped) return
    this.#ports.log.debug({ error: String(error) }, 'presence does not reach Redis')
    this.#lease.dispatch({ type: 'storeFailed' })
  }

  #withAll(happen: Happening): void {
    if (!this.#isStopped) this.#rosters.withAll(happen)
  }

  /** Nobody has to wait for a roster that cannot be known. */
  #linkLost(): void {
    this.#withAll((roster, now) => roster.linkLost(now))
    for (const space of this.#rosters.values()) space.release()
  }

  #gatewaysGone(gone: ReadonlyMap<BootId, number>): void {
    for (const boot of gone.keys()) this.#estates.settle(boot)
    this.#withAll((roster, now) => {
      for (const [boot, beatAt] of gone) roster.gatewayGone(boot, beatAt, now)
    })
  }

  #ownBeings(id: SpaceId): readonly BeingId[] | undefined {
    const space = this.#rosters.get(id)
    if (space === undefined) return []
    return space.tell === undefined ? space.roster.ownBeings() : undefined
  }

  #load(bootId: BootId): BeatLoad {
    const now = this.#ports.clock.dateMs()
    const roster = this.#beats.nextToMeasure(this.#rosters)
    const expected = roster?.entryCount
    return {
      peers: [...new Set([...this.#rosters.values()].flatMap((space) => space.roster.boots()))],
      announce: this.#beats.announce(bootId, now),
      measure: expected === undefined ? undefined : roster?.space,
      renew: this.#beats.toRenew(this.#rosters, now),
      measured: (entries) => {
        // Unless what is expected changed while it was measured, the hash holds too many or too few.
        if (roster === undefined || entries === expected || roster.entryCount !== expected) return
        this.#with(this.#rosters.get(roster.space), (known, at) => known.suspect(at))
      },
    }
  }

  #tellIfEmpty(): void {
    if (this.#emptied.length === 0 || this.entryCount > 0) return
    for (const tell of this.#emptied.splice(0)) tell()
  }
}
