/**
 * Runs presence on one gateway: a roster for each space that is watched or in which somebody is here through this
 * gateway (core/presence/roster.ts), made when it is first needed and let go of when nothing would be lost with it.
 * Carries out what rosters decide on Redis, on the feeds and on the api. Whether this gateway lives, and which others
 * do, is for heartbeat.ts.
 *
 * Cost: an idle gateway sends one heartbeat every third of the lease, whatever the number of connections and spaces.
 */
import {
  type BeingId,
  type BootId,
  encodeFrame,
  parseGatewayBeat,
  parsePresenceHint,
  type PresenceMessage,
  type SpaceId,
} from '@rhizom/protocol'
import { isLinkUp, trustOf } from '../core/presence/lease.ts'
import type { ConnectionId, PresenceWrite } from '../core/presence/local.ts'
import { NOBODY } from '../core/presence/merged.ts'
import { Roster, type RosterCall, type RosterEffect } from '../core/presence/roster.ts'
import { Heartbeat, type LinkEffect } from './heartbeat.ts'
import { OrphanCleaner } from './orphan-cleaner.ts'
import type { Presence, PresenceDeps, PresenceHandle, RosterHandle } from './port.ts'
import { RosterRunner } from './roster-runner.ts'
import { PresenceWriter } from './writer.ts'

/** Spaces of our own that are looked at when Redis is back. */
const MAX_OWN = 10_000
const encoder = new TextEncoder()

export class PresenceHub implements Presence {
  readonly #deps: PresenceDeps
  readonly #runners = new Map<SpaceId, RosterRunner>()
  readonly #heartbeat: Heartbeat
  readonly #writer: PresenceWriter
  readonly #cleaner: OrphanCleaner
  #isStopped = false
  #emptyWaiters: (() => void)[] = []

  constructor(deps: PresenceDeps) {
    this.#deps = deps
    this.#heartbeat = new Heartbeat({
      ...deps,
      settings: deps.settings.lease,
      rosters: this.#runners,
      carryOut: (effect) => this.#carryOutLink(effect),
      readWanted: (space) => this.#call(space, (roster) => roster.readWanted()),
    })
    this.#writer = new PresenceWriter(
      deps.clock,
      () => this.#isLinkUp,
      (writes) => this.#write(writes),
    )
    this.#cleaner = new OrphanCleaner({ ...deps, failed: (error) => this.#failed(error) })
    this.#heartbeat.start()
  }

  get hasLease(): boolean {
    return this.#heartbeat.state.lease === 'held' && this.#isLinkUp
  }

  get entryCount(): number {
    return this.#rosters.reduce((entries, { local }) => entries + local.count, 0)
  }

  get frozenCount(): number {
    return this.#rosters.filter(({ isWatched, isExact }) => isWatched && !isExact).length
  }

  join(space: SpaceId, being: BeingId, connection: ConnectionId): PresenceHandle {
    if (!this.#isStopped) this.#obtain(space).call(({ local }, at) => local.join(connection, being, at))
    return {
      setState: (state) => this.#call(space, ({ local }, at) => local.setState(connection, being, state, at)),
      leave: () => this.#call(space, ({ local }, at) => local.leave(connection, being, at)),
      remove: () => this.#call(space, ({ local }, at) => local.remove(connection, being, at)),
    }
  }

  watch(space: SpaceId, tell: (frame: Uint8Array) => void): RosterHandle {
    const runner = this.#obtain(space)
    runner.tell = tell
    runner.call((roster) => roster.watch())
    return {
      // Nobody has to wait for a roster that cannot be known.
      ready: () => (this.#heartbeat.state.link.status === 'down' ? Promise.resolve() : runner.ready()),
      answerPart: (newcomers) => {
        if (newcomers.length > 0) this.#writer.flushBeforeAnswer()
        return runner.roster.answer(newcomers)
      },
      retainOnly: (mayRead) => runner.call(({ local }, at) => local.retainOnly(mayRead, at)),
      hintReceived: (message) => this.#hintReceived(runner, message),
      unwatch: () => {
        runner.tell = undefined
        runner.call((roster) => roster.unwatch())
      },
    }
  }

  removeBeings(beings: ReadonlySet<BeingId>): void {
    this.#callAll(({ local }, at) => local.retainOnly((being) => !beings.has(being), at))
  }

  gatewayBeatReceived(message: Uint8Array): void {
    const beat = parseGatewayBeat(Buffer.from(message).toString('utf8'))
    if (!beat.ok) {
      this.#deps.metrics.hints.inc({ direction: 'unreadable' })
      return
    }
    const { bootId, wrote, stops } = beat.value
    if (bootId === this.#bootId) return
    if (stops) {
      this.#gatewaysGone([bootId])
      return
    }
    for (const [space, version] of Object.entries(wrote))
      this.#call(space, (roster, at) => roster.remote.headReceived({ epoch: bootId, version }, at))
  }

  channelJoined(space: SpaceId): void {
    this.#call(space, (roster) => roster.readWanted())
  }

  busLost(): void {
    this.#heartbeat.dispatch({ type: 'busLost' })
  }

  busRecovered(): void {
    this.#heartbeat.dispatch({ type: 'busRecovered' })
  }

  extendGrace(ms: number): void {
    this.#callAll(({ local }) => local.extendGrace(ms))
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
    this.#callAll((roster) => roster.unwatch())
    this.#writer.flush()
    this.#isStopped = true
    this.#heartbeat.stop()
    const { clock, lastSeen, store, log } = this.#deps
    const rosters = this.#rosters
    for (const { local } of rosters) for (const being of local.beings()) lastSeen.note(being, clock.dateMs())
    const beings = new Map(rosters.map(({ space, local }) => [space, local.storedBeings()] as const))
    for (const runner of this.#runners.values()) runner.stop()
    this.#runners.clear()
    const bootId = this.#bootId
    try {
      if (this.#heartbeat.state.lease === 'held')
        await store.leave({ bootId, beings, announce: { bootId, wrote: {}, stops: true } })
    } catch (error) {
      log.warn({ error: String(error) }, 'presence could not be cleared: the lease is left to run out')
    }
    store.stop()
    await lastSeen.flush()
    lastSeen.stop()
  }

  get #bootId(): BootId {
    return this.#heartbeat.state.identity.bootId
  }

  get #isLinkUp(): boolean {
    return isLinkUp(this.#heartbeat.state)
  }

  get #rosters(): Roster[] {
    return [...this.#runners.values()].map(({ roster }) => roster)
  }

  #hintReceived(runner: RosterRunner, message: PresenceMessage): void {
    const hint = parsePresenceHint(message)
    this.#deps.metrics.hints.inc({ direction: hint.ok ? 'heard' : 'unreadable' })
    const { bootId: epoch, from, to } = message
    runner.call((roster) => {
      if (hint.ok) roster.hintReceived({ range: { epoch, from, to }, hint: hint.value })
      else roster.readWanted()
    })
  }

  #obtain(space: SpaceId): RosterRunner {
    const known = this.#runners.get(space)
    if (known !== undefined) return known
    const { identity } = this.#heartbeat.state
    const roster = new Roster(space, identity, this.#isLinkUp ? 'up' : 'down', this.#deps.settings.roster)
    const made = new RosterRunner(roster, {
      ...this.#deps,
      carryOut: (runner, effect) => this.#carryOut(runner, effect),
      changed: (runner) => this.#changed(runner),
    })
    this.#runners.set(space, made)
    return made
  }

  /** Lets something happen to a roster, if there is one. */
  #call(space: SpaceId, call: RosterCall): void {
    if (!this.#isStopped) this.#runners.get(space)?.call(call)
  }

  #callAll(call: RosterCall): void {
    for (const space of [...this.#runners.keys()]) this.#call(space, call)
  }

  #changed(runner: RosterRunner): void {
    const { roster } = runner
    if (roster.isIdle && this.#runners.get(roster.space) === runner) {
      runner.stop()
      this.#runners.delete(roster.space)
    }
    this.#tellIfEmpty()
  }

  #carryOut(runner: RosterRunner, effect: RosterEffect): void {
    const { metrics, lastSeen } = this.#deps
    switch (effect.type) {
      case 'readHash':
        this.#read(runner, effect.readSeq)
        return
      case 'writeHash':
        this.#writer.add(runner.roster)
        return
      case 'cleanUpAfter':
        this.#cleaner.cleanUpAfter(effect.boot, runner.roster.space)
        return
      case 'sendFrame':
        metrics.frames.inc({ kind: effect.frame.frozen ? 'frozen' : 'change' })
        runner.tell?.(encoder.encode(encodeFrame(effect.frame)))
        return
      case 'reportLastSeen':
        lastSeen.note(effect.being, effect.at)
        return
      default:
        effect satisfies never
    }
  }

  #carryOutLink(effect: LinkEffect): void {
    switch (effect.type) {
      case 'linkFound':
        this.#callAll((roster) => roster.linkFound(effect.identity))
        this.#when(this.#compareUnwatched(effect.identity.bootId), () => undefined)
        return
      case 'linkLost':
        this.#callAll((roster) => roster.linkLost())
        for (const runner of this.#runners.values()) runner.release()
        return
      case 'trustRestored':
        this.#callAll((roster) => roster.remote.trustRestored())
        return
      case 'gatewaysGone':
        this.#gatewaysGone(effect.boots)
        return
      default:
        effect satisfies never
    }
  }

  #read(runner: RosterRunner, readSeq: number): void {
    const { store, metrics, clock } = this.#deps
    const { roster } = runner
    const before = trustOf(this.#heartbeat.state, clock.nowMs())
    const bootId = this.#bootId
    const read = store.read(roster.space, [...roster.remote.boots(), bootId])
    read.then(
      () => metrics.reads.inc({ outcome: 'answered' }),
      () => metrics.reads.inc({ outcome: 'failed' }),
    )
    this.#when(read, (found) => {
      // Redis may have lost everything after the read began. Where our own lease is missing it lost more than others':
      // a missing one proves nothing, and a heartbeat finds out.
      const isLost = !found.leases.has(bootId)
      const now = trustOf(this.#heartbeat.state, clock.nowMs())
      const leases = before.leases && now.leases && !isLost
      const trust = { leases, entries: before.entries && now.entries }
      runner.call((one, at) => one.readDone(readSeq, found, trust, at))
      if (isLost) this.#heartbeat.dispatch({ type: 'heartbeatWanted' })
    })
  }

  #write(writes: readonly PresenceWrite[]): void {
    const { store, metrics, clock } = this.#deps
    for (const { space, range } of writes) this.#heartbeat.writes.add(space, range, clock.nowMs())
    metrics.hints.inc({ direction: 'sent' }, writes.length)
    this.#when(store.write(writes), () => {
      for (const write of writes) this.#call(write.space, ({ local }) => local.written(write))
    })
  }

  /** What is not answered costs the link, until a heartbeat is answered again. */
  #when<Answer>(asked: Promise<Answer>, answered: (answer: Answer) => void): void {
    asked.then(answered, (error: unknown) => this.#failed(error)).catch(this.#deps.faulted)
  }

  #failed(error: unknown): void {
    if (!this.#isStopped) this.#heartbeat.storeFailed(error)
  }

  #gatewaysGone(boots: readonly BootId[]): void {
    for (const boot of boots) this.#cleaner.cleanUpAfter(boot)
    this.#callAll((roster, at) => {
      for (const boot of boots) roster.gatewayGone(boot, at)
    })
  }

  /**
   * A roster that is watched compares our entries in Redis with what they should be whenever it reads. A replica that
   * lagged may remember somebody who left through us in a space that nobody follows here.
   */
  async #compareUnwatched(boot: BootId): Promise<void> {
    const { store } = this.#deps
    for (const space of await store.spacesOf(boot, MAX_OWN)) {
      if (this.#runners.get(space)?.roster.isWatched === true) continue
      const { entries } = await store.read(space, [boot])
      if (this.#isStopped || boot !== this.#bootId) return
      const runner = this.#obtain(space)
      runner.call(({ local }, at) => local.compare(entries?.get(boot) ?? NOBODY, at))
      if (runner.roster.isIdle) await store.removeSpaces(boot, [space])
    }
  }

  #tellIfEmpty(): void {
    if (this.#emptyWaiters.length === 0 || this.entryCount > 0) return
    for (const resolve of this.#emptyWaiters.splice(0)) resolve()
  }
}
