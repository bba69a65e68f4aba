/**
 * Runs presence on one gateway: a roster for each space that is watched or in which somebody is here through this
 * gateway (core/roster.ts), and the lease (core/lease.ts). Carries out what they decide on Redis, on the feeds and on
 * the api; writes of all spaces that come within a moment go together.
 *
 * Cost: an idle gateway sends one heartbeat a third of the lease, whatever the number of connections and spaces.
 */
import {
  type BeingId,
  encodeFrame,
  type JsonObject,
  parseGatewayBeat,
  parsePresenceHint,
  type PresenceMessage,
  type SpaceId,
} from '@rhizom/protocol'
import {
  isDoubtful,
  type LeaseEffect,
  type LeaseEvent,
  type LeaseSettings,
  type LeaseState,
  leaseWakesAt,
  startLease,
  stepLease,
} from '../core/lease.ts'
import type { ConnectionId } from '../core/own-presence.ts'
import { type PresenceWrite, type RosterEffect, type RosterSettings, SpaceRoster } from '../core/roster.ts'
import type { Cancel, Clock, Log, PresenceStore } from '../ports.ts'
import { BeatContent } from './beat-content.ts'
import type { LastSeen } from './last-seen.ts'
import type { PresenceMetrics } from './presence-metrics.ts'
import type { Roster, RosterAnswer } from './roster.ts'

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

interface Space {
  roster: SpaceRoster
  tell: ((frame: Uint8Array) => void) | undefined
  timer: Cancel | undefined
  timerAt: number
  /** Who waits for the roster to be known. */
  waiting: (() => void)[]
}

/** Writes of this long go together. */
const WRITE_GATHER_MS = 10
/** Longer than a read of Redis takes, and short for somebody who waits for an answer. */
const READY_WITHIN_MS = 1000

const encoder = new TextEncoder()

export class PresenceHub implements Roster {
  readonly #ports: PresenceHubPorts
  readonly #spaces = new Map<SpaceId, Space>()
  readonly #toWrite = new Set<SpaceRoster>()
  readonly #beats: BeatContent
  #lease: LeaseState
  #leaseTimer: Cancel | undefined
  #writeTimer: Cancel | undefined
  #lastWrite = 0
  #isStopped = false
  #emptied: (() => void)[] = []

  constructor(ports: PresenceHubPorts) {
    this.#ports = ports
    this.#beats = new BeatContent(ports.settings.lease)
    this.#lease = startLease(ports.newBootId(), ports.clock.now(), ports.settings.lease)
    ports.store.start(() => this.#dispatch({ type: 'beatWanted' }))
    this.#sleepLease()
  }

  get hasLease(): boolean {
    return this.#lease.lease === 'held' && this.#lease.link === 'up'
  }

  get entryCount(): number {
    let entries = 0
    for (const { roster } of this.#spaces.values()) entries += roster.ownCount
    return entries
  }

  get frozenCount(): number {
    let frozen = 0
    for (const { roster, tell } of this.#spaces.values()) if (tell !== undefined && !roster.isExact) frozen++
    return frozen
  }

  isHere(being: BeingId): boolean {
    for (const { roster } of this.#spaces.values()) if (roster.holds(being)) return true
    return false
  }

  opened(id: SpaceId, tell: (frame: Uint8Array) => void): void {
    const space = this.#spaceOf(id)
    space.tell = tell
    this.#with(space, (roster) => roster.watched())
  }

  closed(id: SpaceId): void {
    const space = this.#spaces.get(id)
    if (space === undefined) return
    space.tell = undefined
    this.#with(space, (roster, now) => roster.unwatched(now))
  }

  ready(id: SpaceId): Promise<void> {
    const space = this.#spaces.get(id)
    if (space === undefined || space.roster.isExact || this.#lease.link === 'down') return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(READY_WITHIN_MS, resolve)
      space.waiting.push(() => {
        cancel()
        resolve()
      })
    })
  }

  here(id: SpaceId, newcomers: readonly BeingId[]): RosterAnswer {
    return this.#spaceOf(id).roster.answer(newcomers)
  }

  came(id: SpaceId, connection: ConnectionId, being: BeingId): void {
    this.#with(this.#spaceOf(id), (roster, now) => roster.came(connection, being, now))
  }

  left(id: SpaceId, connection: ConnectionId): void {
    this.#with(this.#spaces.get(id), (roster, now) => roster.left(connection, now))
  }

  ended(id: SpaceId, connection: ConnectionId): void {
    this.#with(this.#spaces.get(id), (roster, now) => roster.ended(connection, now))
  }

  stateSet(id: SpaceId, connection: ConnectionId, being: BeingId, state: JsonObject): void {
    this.#with(this.#spaces.get(id), (roster, now) => roster.stateSet(connection, being, state, now))
  }

  heard(id: SpaceId, message: PresenceMessage): void {
    const hint = parsePresenceHint(message)
    this.#ports.metrics.hints.inc({ direction: hint.ok ? 'heard' : 'unreadable' })
    const { bootId, from, to } = message
    this.#with(this.#spaces.get(id), (roster, now) =>
      hint.ok ? roster.heard({ bootId, from, to, hint: hint.value }, now) : roster.suspect(now),
    )
  }

  beatHeard(message: Uint8Array): void {
    const beat = parseGatewayBeat(Buffer.from(message).toString('utf8'))
    if (!beat.ok || beat.value.bootId === this.#lease.name.bootId) return
    const { bootId, wrote, stops } = beat.value
    if (stops) this.#gatewaysGone([bootId])
    else
      for (const [id, rev] of Object.entries(wrote))
        this.#with(this.#spaces.get(id), (roster, now) => roster.beatHeard(bootId, rev, now))
  }

  channelJoined(id: SpaceId): void {
    this.#with(this.#spaces.get(id), (roster, now) => roster.channelJoined(now))
  }

  busLost(): void {
    this.#dispatch({ type: 'busLost' })
  }

  busRecovered(): void {
    this.#dispatch({ type: 'busRecovered' })
  }

  prolong(ms: number): void {
    for (const space of this.#spaces.values()) this.#with(space, (roster) => roster.prolong(ms))
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
    for (const space of [...this.#spaces.values()]) this.#with(space, (roster, now) => roster.unwatched(now))
    this.#writeTimer?.()
    this.#write()
    this.#isStopped = true
    this.#leaseTimer?.()
    for (const { timer, waiting } of this.#spaces.values()) {
      timer?.()
      for (const tell of waiting) tell()
    }
    const { clock, lastSeen, store, log } = this.#ports
    const beings = new Map([...this.#spaces].map(([id, { roster }]) => [id, roster.ownBeings()] as const))
    for (const those of beings.values()) for (const being of those) lastSeen.note(being, clock.now())
    const { bootId } = this.#lease.name
    this.#spaces.clear()
    try {
      if (this.#lease.lease === 'held') await store.leave({ bootId, beings, beat: { bootId, wrote: {}, stops: true } })
    } catch (error) {
      log.debug({ error: String(error) }, 'the lease is left to run out')
    }
    store.stop()
    await lastSeen.flush()
    lastSeen.stop()
  }

  #spaceOf(id: SpaceId): Space {
    const known = this.#spaces.get(id)
    if (known !== undefined) return known
    const { clock, settings } = this.#ports
    const roster = new SpaceRoster(id, this.#lease.name, settings.roster)
    const space: Space = { roster, tell: undefined, timer: undefined, timerAt: Infinity, waiting: [] }
    this.#spaces.set(id, space)
    if (this.#lease.link === 'up') roster.linkFound(this.#lease.name, clock.now())
    return space
  }

  /** Lets something happen to a roster and carries out what follows from it. */
  #with(space: Space | undefined, happen: (roster: SpaceRoster, now: number) => void): void {
    // What comes late for a roster that was let go of must not touch its successor.
    if (space === undefined || this.#isStopped || this.#spaces.get(space.roster.space) !== space) return
    const { roster } = space
    happen(roster, this.#ports.clock.now())
    for (const effect of roster.takeEffects()) this.#carryOut(space, effect)
    if (roster.isExact) for (const tell of space.waiting.splice(0)) tell()
    if (roster.isIdle) {
      space.timer?.()
      for (const tell of space.waiting.splice(0)) tell()
      this.#spaces.delete(roster.space)
      this.#beats.forget(roster.space)
    } else this.#sleep(space)
    this.#tellIfEmpty()
  }

  #sleep(space: Space): void {
    const at = space.roster.wakesAt ?? Infinity
    if (at === space.timerAt) return
    space.timer?.()
    space.timerAt = at
    if (at === Infinity) return
    const { clock } = this.#ports
    space.timer = clock.after(Math.max(0, at - clock.now()), () => {
      space.timerAt = Infinity
      this.#with(space, (roster, now) => roster.tick(now))
    })
  }

  #carryOut(space: Space, effect: RosterEffect): void {
    const { metrics, lastSeen } = this.#ports
    switch (effect.type) {
      case 'readHash':
        this.#read(space, effect.turn)
        return
      case 'writeHash':
        this.#toWrite.add(space.roster)
        this.#writeTimer ??= this.#ports.clock.after(WRITE_GATHER_MS, () => this.#write())
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

  #read(space: Space, turn: number): void {
    const { store, metrics } = this.#ports
    store.read(space.roster.space, space.roster.boots()).then(
      (read) => {
        metrics.reads.inc({ outcome: 'answered' })
        const doubtful = isDoubtful(this.#lease, this.#ports.clock.now())
        this.#with(space, (roster, now) => roster.readDone(turn, read, doubtful, now))
      },
      (error: unknown) => {
        metrics.reads.inc({ outcome: 'failed' })
        this.#failed(error)
      },
    )
  }

  #write(): void {
    this.#writeTimer = undefined
    // Otherwise everything is said again when it is back.
    if (this.#lease.link !== 'up') return
    const writes: PresenceWrite[] = []
    for (const roster of this.#toWrite) {
      const write = roster.takeWrite(this.#lastWrite + 1)
      if (write === undefined) continue
      this.#lastWrite += 1
      this.#beats.wrote(write.space, write.to, this.#ports.clock.now())
      writes.push(write)
    }
    this.#toWrite.clear()
    if (writes.length === 0) return
    this.#ports.metrics.hints.inc({ direction: 'sent' }, writes.length)
    this.#ports.store.write(writes).then(
      () => this.#written(writes),
      (error: unknown) => {
        for (const write of writes) this.#spaceOf(write.space).roster.writeFailed(write)
        this.#failed(error)
      },
    )
  }

  /** A roster that waited for its last write may be let go of now. */
  #written(writes: readonly PresenceWrite[]): void {
    for (const { space } of writes) this.#with(this.#spaces.get(space), () => undefined)
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
    this.#dispatch({ type: 'storeFailed' })
  }

  #dispatch(event: LeaseEvent): void {
    if (this.#isStopped) return
    const { clock, settings } = this.#ports
    const { state, effects } = stepLease(this.#lease, event, clock.now(), settings.lease)
    this.#lease = state
    for (const effect of effects) this.#carryOutLease(effect)
    this.#sleepLease()
  }

  #sleepLease(): void {
    this.#leaseTimer?.()
    const wakesAt = leaseWakesAt(this.#lease)
    if (wakesAt === undefined) return
    const { clock } = this.#ports
    this.#leaseTimer = clock.after(Math.max(0, wakesAt - clock.now()), () => this.#dispatch({ type: 'ticked' }))
  }

  #carryOutLease(effect: LeaseEffect): void {
    switch (effect.type) {
      case 'beat':
        this.#beat(effect)
        return
      case 'linkFound':
        for (const space of [...this.#spaces.values()])
          this.#with(space, (roster, now) => roster.linkFound(effect.name, now))
        return
      case 'linkLost':
        for (const space of [...this.#spaces.values()]) {
          this.#with(space, (roster, now) => roster.linkLost(now))
          for (const tell of space.waiting.splice(0)) tell()
        }
        return
      case 'gatewaysGone':
        this.#gatewaysGone(effect.boots)
        return
      default:
        effect satisfies never
    }
  }

  #beat({ name, isNew, ttlMs }: Extract<LeaseEffect, { type: 'beat' }>): void {
    const { clock, store, newBootId, metrics } = this.#ports
    const peers = [...new Set([...this.#spaces.values()].flatMap(({ roster }) => roster.boots()))]
    const measured = this.#beats.nextToMeasure(this.#spaces)
    const expected = measured?.roster.entryCount
    const announce = this.#beats.announce(name.bootId, clock.now())
    const measure = expected === undefined ? undefined : measured?.roster.space
    const renew = this.#beats.toRenew(this.#spaces, clock.now())
    store.beat({ name, isNew, ttlMs, peers, announce, measure, renew }).then(
      (answer) => {
        if (isNew && answer.isKept) metrics.leasesTaken.inc()
        if (answer.measured !== undefined && answer.measured !== expected) this.#suspect(measured?.roster, expected)
        const { isKept, restsMs } = answer
        this.#dispatch({ type: 'beatDone', isKept, asked: peers, restsMs, freshId: newBootId() })
      },
      (error: unknown) => {
        this.#ports.log.debug({ error: String(error) }, 'a heartbeat failed')
        this.#dispatch({ type: 'beatFailed' })
      },
    )
  }

  /** The hash holds more or fewer than it should, unless that changed while it was asked. */
  #suspect(measured: SpaceRoster | undefined, expected: number | undefined): void {
    if (measured === undefined || measured.entryCount !== expected) return
    this.#with(this.#spaces.get(measured.space), (roster, now) => roster.suspect(now))
  }

  #gatewaysGone(boots: readonly string[]): void {
    this.#ports.metrics.gatewaysGone.inc(boots.length)
    for (const space of [...this.#spaces.values()])
      this.#with(space, (roster, now) => {
        for (const boot of boots) roster.gatewayGone(boot, now)
      })
  }

  #tellIfEmpty(): void {
    if (this.#emptied.length === 0 || this.entryCount > 0) return
    for (const tell of this.#emptied.splice(0)) tell()
  }
}
