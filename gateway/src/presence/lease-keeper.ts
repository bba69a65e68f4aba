/**
 * Runs the lease machine (core/presence/lease.ts): sends its heartbeats and tells the hub whether this gateway lives, and which
 * others do not any more.
 */
import type { BootId } from '@rhizom/protocol'
import {
  isDoubtful,
  type LeaseEffect,
  type LeaseEvent,
  type LeaseSettings,
  type LeaseState,
  leaseWakesAt,
  startLease,
  stepLease,
} from '../core/presence/lease.ts'
import type { OwnName } from '../core/presence/remote-presence.ts'
import type { Cancel, Clock } from '@rhizom/machine'
import type { BeatAnswer, BeatRequest, Log, PresenceStore } from '../ports.ts'
import type { PresenceMetrics } from './presence-metrics.ts'

/** What a heartbeat carries beside the lease, and who is to hear what was measured. */
export type BeatLoad = Pick<BeatRequest, 'peers' | 'announce' | 'measure' | 'renew'> & {
  measured(entries: number): void
}

export interface LeaseKeeperPorts {
  clock: Clock
  store: PresenceStore
  newBootId(): BootId
  metrics: PresenceMetrics
  log: Log
  settings: LeaseSettings
  load(name: OwnName): BeatLoad
  linkFound(name: OwnName): void
  linkLost(): void
  /** With the time of the last heartbeat of each. */
  gatewaysGone(gone: ReadonlyMap<BootId, number>): void
}

export class LeaseKeeper {
  readonly #ports: LeaseKeeperPorts
  #state: LeaseState
  /** Gateways that nobody has cleared up after. */
  #known: ReadonlyMap<BootId, number> = new Map()
  #timer: Cancel | undefined
  #isStopped = false

  constructor(ports: LeaseKeeperPorts) {
    this.#ports = ports
    this.#state = startLease(ports.newBootId(), ports.clock.dateMs(), ports.settings)
  }

  get name(): OwnName {
    return this.#state.name
  }

  get link(): LeaseState['link'] {
    return this.#state.link
  }

  get isHeld(): boolean {
    return this.#state.lease === 'held'
  }

  /** Whether a missing lease proves nothing now. */
  get isDoubtful(): boolean {
    return isDoubtful(this.#state, this.#ports.clock.dateMs())
  }

  start(): void {
    this.#ports.store.start(() => this.dispatch({ type: 'beatWanted' }))
    this.#sleep()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.()
  }

  dispatch(event: LeaseEvent): void {
    if (this.#isStopped) return
    const { clock, settings } = this.#ports
    const { state, effects } = stepLease(this.#state, event, clock.dateMs(), settings)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
    this.#sleep()
  }

  #sleep(): void {
    this.#timer?.()
    const wakesAt = leaseWakesAt(this.#state)
    if (wakesAt === undefined || this.#isStopped) return
    const { clock } = this.#ports
    this.#timer = clock.after(Math.max(0, wakesAt - clock.dateMs()), () => this.dispatch({ type: 'ticked' }))
  }

  #carryOut(effect: LeaseEffect): void {
    switch (effect.type) {
      case 'beat':
        this.#beat(effect)
        return
      case 'linkFound':
        this.#ports.linkFound(effect.name)
        return
      case 'linkLost':
        this.#ports.linkLost()
        return
      case 'gatewaysGone':
        this.#ports.gatewaysGone(this.#lastBeats(effect.boots))
        return
      default:
        effect satisfies never
    }
  }

  #lastBeats(boots: readonly BootId[]): Map<BootId, number> {
    return new Map(boots.map((boot) => [boot, this.#known.get(boot) ?? this.#ports.clock.dateMs()] as const))
  }

  #beat({ type: _type, ...beat }: Extract<LeaseEffect, { type: 'beat' }>): void {
    const { name, isNew } = beat
    const { clock, store, newBootId, metrics, log, load } = this.#ports
    const { measured, ...carried } = load(name)
    const peers = [...new Set([...carried.peers, ...this.#known.keys()])].filter((boot) => boot !== name.bootId)
    const answered = ({ isKept, restsMs, known, measured: entries }: BeatAnswer): void => {
      if (isNew && isKept) metrics.leasesTaken.inc()
      if (entries !== undefined) measured(entries)
      this.#known = known
      this.dispatch({ type: 'beatDone', isKept, asked: peers, restsMs, freshId: newBootId() })
      // Whether those live that were not known of is not left open until the next.
      if ([...known.keys()].some((boot) => boot !== name.bootId && !peers.includes(boot)))
        this.dispatch({ type: 'beatWanted' })
    }
    store.beat({ ...beat, at: clock.dateMs(), ...carried, peers }).then(answered, (error: unknown) => {
      log.debug({ error: String(error) }, 'a heartbeat failed')
      this.dispatch({ type: 'beatFailed' })
    })
  }
}
