/**
 * Runs presence on one gateway: a roster for each space that is watched or in which somebody is here through this
 * gateway (core/presence/roster.ts), made when it is first needed and let go of when nothing would be lost with it.
 * Carries out what rosters decide on Redis, on the feeds and on the api. Whether this gateway lives, and which others
 * do, is for heartbeat.ts.
 *
 * Cost: an idle gateway sends one heartbeat a third of the lease, whatever the number of connections and spaces.
 */
import type { Clock, Random } from '@rhizom/machine'
import {
  type BeingId,
  type BootId,
  encodeFrame,
  parseGatewayBeat,
  parsePresenceHint,
  type PresenceMessage,
  type SpaceId,
} from '@rhizom/protocol'
import type { LeaseSettings } from '../core/presence/lease.ts'
import type { ConnectionId, PresenceWrite } from '../core/presence/local.ts'
import { Roster, type RosterCall, type RosterEffect, type RosterSettings } from '../core/presence/roster.ts'
import type { Log, PresenceStore } from '../ports.ts'
import { Heartbeat } from './heartbeat.ts'
import type { LastSeen } from './last-seen.ts'
import type { PresenceMetrics } from './metrics.ts'
import { OrphanCleaner } from './orphan-cleaner.ts'
import type { Presence, PresenceHandle, RosterHandle } from './port.ts'
import { RosterRunner } from './roster-runner.ts'
import { PresenceWriter } from './writer.ts'

export interface PresenceHubDeps {
  clock: Clock
  random: Random
  store: PresenceStore
  lastSeen: Pick<LastSeen, 'note' | 'flush' | 'stop'>
  /** A name no gateway had before. */
  newBootId(): BootId
  metrics: PresenceMetrics
  log: Log
  settings: PresenceSettings
  /** A bug of ours was met, and ends here. */
  faulted(error: unknown): void
}

export interface PresenceSettings {
  roster: RosterSettings
  lease: LeaseSettings
}

const encoder = new TextEncoder()

export class PresenceHub implements Presence {
  readonly #deps: PresenceHubDeps
  readonly #spaces = new Map<SpaceId, RosterRunner>()
  readonly #heartbeat: Heartbeat
  readonly #writer: PresenceWriter
  readonly #cleaner: OrphanCleaner
  #isStopped = false
  #emptyWaiters: (() => void)[] = []

  constructor(deps: PresenceHubDeps) {
    this.#deps = deps
    this.#heartbeat = new Heartbeat({
      ...deps,
      settings: deps.settings.lease,
      rosters: this.#spaces,
      linkFound: (identity) => {
        this.#callAll((roster, at) => roster.linkFound(identity, at))
        this.#cleaner.reconcileOwn(identity.bootId)
      },
      linkLost: () => this.#linkLost(),
      trustRestored: () => this.#callAll((roster, at) => roster.trustRestored(at)),
      gatewaysGone: (boots) => this.#gatewaysGone(boots),
      readWanted: (id) => this.#call(id, (roster, at) => roster.readWanted(at)),
    })
    this.#writer = new PresenceWriter({
      ...deps,
      isLinkUp: () => this.#heartbeat.isLinkUp,
      wrote: ({ space, range }) => this.#heartbeat.payload.wrote(space, range, deps.clock.nowMs()),
      written: (writes) => {
        for (const write of writes) this.#call(write.space, (roster, at) => roster.written(write, at))
      },
      failed: (writes, error) => this.#writeFailed(writes, error),
    })
    this.#cleaner = new OrphanCleaner({
      ...deps,
      localBeings: (id) => this.#unwatchedBeings(id),
      failed: (error) => this.#failed(error),
    })
    this.#heartbeat.start()
  }

  get hasLease(): boolean {
    return this.#heartbeat.isHeld && this.#heartbeat.isLinkUp
  }

  get entryCount(): number {
    let entries = 0
    for (const { roster } of this.#spaces.values()) entries += roster.localCount
    return entries
  }

  get frozenCount(): number {
    let frozen = 0
    for (const { roster } of this.#spaces.values()) if (roster.isWatched && !roster.isExact) frozen++
    return frozen
  }

  join(id: SpaceId, being: BeingId, connection: ConnectionId): PresenceHandle {
    if (!this.#isStopped) this.#obtain(id).call((roster, at) => roster.join(connection, being, at))
    return {
      setState: (state) => this.#call(id, (roster, at) => roster.setState(connection, being, state, at)),
      leave: () => this.#call(id, (roster, at) => roster.leave(connection, at)),
      remove: () => this.#call(id, (roster, at) => roster.remove(connection, at)),
    }
  }

  watch(id: SpaceId, tell: (frame: Uint8Array) => void): RosterHandle {
    const space = this.#obtain(id)
    space.tell = tell
    space.call((roster) => roster.watch())
    return {
      ready: () => (this.#heartbeat.isLinkDown ? Promise.resolve() : space.ready()),
      answerPart: (newcomers) => {
        if (newcomers.length > 0) this.#writer.flushBeforeAnswer()
        return space.roster.answer(newcomers)
      },
      retainOnly: (mayRead) => space.call((roster, at) => roster.retainOnly(mayRead, at)),
      hintReceived: (message) => this.#hintReceived(space, message),
      unwatch: () => {
        space.tell = undefined
        space.call((roster, at) => roster.unwatch(at))
      },
    }
  }

  removeBeings(beings: ReadonlySet<BeingId>): void {
    this.#callAll((roster, at) => {
      if (roster.localBeings().some((being) => beings.has(being))) roster.retainOnly((being) => !beings.has(being), at)
    })
  }

  heartbeatReceived(message: Uint8Array): void {
    const heartbeat = parseGatewayBeat(Buffer.from(message).toString('utf8'))
    if (!heartbeat.ok || heartbeat.value.bootId === this.#heartbeat.identity.bootId) return
    const { bootId, wrote, stops } = heartbeat.value
    if (stops) this.#gatewaysGone([bootId])
    else
      for (const [id, rev] of Object.entries(wrote))
        this.#call(id, (roster, at) => roster.headReceived({ epoch: bootId, version: rev }, at))
  }

  channelJoined(id: SpaceId): void {
    this.#call(id, (roster, at) => roster.channelJoined(at))
  }

  busLost(): void {
    this.#heartbeat.dispatch({ type: 'busLost' })
  }

  busRecovered(): void {
    this.#heartbeat.dispatch({ type: 'busRecovered' })
  }

  extendGrace(ms: number): void {
    this.#callAll((roster) => roster.extendGrace(ms))
  }

  whenEmpty(): Promise<void> {
    return new Promise((resolve) => {
      this.#emptyWaiters.push(resolve)
      this.#tellIfEmpty()
    })
  }

  /** Lets go of the lease and of whoever is left. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#callAll((roster, at) => roster.unwatch(at))
    this.#writer.flush()
    this.#isStopped = true
    this.#heartbeat.stop()
    const { clock, lastSeen, store, log } = this.#deps
    const rosters = [...this.#spaces.values()].map(({ roster }) => roster)
    for (const roster of rosters) for (const being of roster.localBeings()) lastSeen.note(being, clock.dateMs())
    const beings = new Map(rosters.map((roster) => [roster.space, roster.storedBeings()] as const))
    const { bootId } = this.#heartbeat.identity
    for (const space of this.#spaces.values()) space.stop()
    this.#spaces.clear()
    try {
      if (this.#heartbeat.isHeld) await store.leave({ bootId, beings, announce: { bootId, wrote: {}, stops: true } })
    } catch (error) {
      log.warn({ error: String(error) }, 'presence could not be cleared: the lease is left to run out')
    }
    store.stop()
    await lastSeen.flush()
    lastSeen.stop()
  }

  #hintReceived(space: RosterRunner, message: PresenceMessage): void {
    const hint = parsePresenceHint(message)
    this.#deps.metrics.hints.inc({ direction: hint.ok ? 'heard' : 'unreadable' })
    const { bootId: epoch, from, to } = message
    space.call((roster, at) => {
      if (hint.ok) roster.hintReceived({ range: { epoch, from, to }, hint: hint.value }, at)
      else roster.readWanted(at)
    })
  }

  #obtain(id: SpaceId): RosterRunner {
    const known = this.#spaces.get(id)
    if (known !== undefined) return known
    const link = this.#heartbeat.isLinkUp ? 'up' : 'down'
    const roster = new Roster(id, this.#heartbeat.identity, link, this.#deps.settings.roster)
    const space = new RosterRunner(roster, {
      ...this.#deps,
      carryOut: (runner, effect) => this.#carryOut(runner, effect),
      changed: (runner) => this.#changed(runner),
    })
    this.#spaces.set(id, space)
    return space
  }

  /** Lets something happen to a roster, if there is one. */
  #call(id: SpaceId, call: RosterCall): void {
    if (!this.#isStopped) this.#spaces.get(id)?.call(call)
  }

  #callAll(call: RosterCall): void {
    for (const id of [...this.#spaces.keys()]) this.#call(id, call)
  }

  #changed(space: RosterRunner): void {
    const { roster } = space
    if (roster.isIdle && this.#spaces.get(roster.space) === space) {
      space.stop()
      this.#spaces.delete(roster.space)
      this.#heartbeat.payload.forget(roster.space)
    }
    this.#tellIfEmpty()
  }

  #carryOut(space: RosterRunner, effect: RosterEffect): void {
    const { metrics, lastSeen } = this.#deps
    switch (effect.type) {
      case 'readHash':
        this.#read(space, effect.readSeq)
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

  #read(space: RosterRunner, readSeq: number): void {
    const { store, metrics, faulted } = this.#deps
    const { identity, trust: before } = this.#heartbeat
    const { bootId } = identity
    store
      .read(space.roster.space, [...space.roster.boots(), bootId])
      .then(
        (read) => {
          metrics.reads.inc({ outcome: 'answered' })
          // Redis may have lost everything after the read began. Where our own lease is missing it lost more than
          // others': a missing one proves nothing, and a heartbeat finds out.
          const isLost = !read.leases.has(bootId)
          const { trust: now } = this.#heartbeat
          const leases = before.leases && now.leases && !isLost
          const trust = { leases, entries: before.entries && now.entries }
          space.call((roster, at) => roster.readDone(readSeq, read, trust, at))
          if (isLost) this.#heartbeat.dispatch({ type: 'heartbeatWanted' })
        },
        (error: unknown) => {
          metrics.reads.inc({ outcome: 'failed' })
          this.#failed(error)
        },
      )
      .catch(faulted)
  }

  #writeFailed(writes: readonly PresenceWrite[], error: unknown): void {
    if (this.#isStopped) return
    for (const write of writes) this.#obtain(write.space).roster.writeFailed(write)
    this.#failed(error)
  }

  #removeOrphans(space: SpaceId, orphans: ReadonlyMap<BootId, BeingId[]>): void {
    const { store, metrics, faulted } = this.#deps
    store
      .removeOrphans(space, new Map(orphans))
      .then(
        () => {
          for (const beings of orphans.values()) metrics.orphansRemoved.inc(beings.length)
        },
        (error: unknown) => this.#failed(error),
      )
      .catch(faulted)
  }

  #failed(error: unknown): void {
    if (!this.#isStopped) this.#heartbeat.storeFailed(error)
  }

  /** Nobody has to wait for a roster that cannot be known. */
  #linkLost(): void {
    this.#callAll((roster, at) => roster.linkLost(at))
    for (const space of this.#spaces.values()) space.release()
  }

  #gatewaysGone(boots: readonly BootId[]): void {
    for (const boot of boots) this.#cleaner.cleanUpAfter(boot)
    this.#callAll((roster, at) => {
      for (const boot of boots) roster.gatewayGone(boot, at)
    })
  }

  /** Who is here through us in a space that nobody watches here; undefined where somebody does. */
  #unwatchedBeings(id: SpaceId): readonly BeingId[] | undefined {
    const roster = this.#spaces.get(id)?.roster
    if (roster === undefined) return []
    return roster.isWatched ? undefined : roster.localBeings()
  }

  #tellIfEmpty(): void {
    if (this.#emptyWaiters.length === 0 || this.entryCount > 0) return
    for (const resolve of this.#emptyWaiters.splice(0)) resolve()
  }
}
