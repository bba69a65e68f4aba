/**
 * Who was where, as the gateways were told: each connection that counts as here in a space, when it came and went, the
 * state it set, and what became of its gateway. Written without a look at how rosters, leases and Redis work; what must
 * follow from it for those who watch is in `presence-oracle.ts`.
 */
import { wasAway } from '@rhizom/kit/presence-verdict.ts'
import type { BeingId, JsonObject, SpaceId } from '@rhizom/protocol'
import type { PresenceTuning } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

/** One start of a gateway. */
export interface ProcessFacts {
  readonly name: string
  readonly startedAt: number
  /** How long it waits for those who went: longer while it drains. */
  graceMs: number
  endedAt: number | undefined
  /** What its date is ahead of the true one. */
  dateAheadMs: number
  /** It said goodbye and took its own with it. */
  isStopped: boolean
}

export interface Connection {
  readonly process: ProcessFacts
  readonly being: BeingId
  readonly cameAt: number
  goneAt: number | undefined
  /** When its grace ends, once it is gone: at once for one whose being may not be here any more. */
  endsAt: number
  /** The same if what happened at the same moment is taken the other way round. */
  endsAtMost: number
  state: JsonObject | undefined
  stateAt: number
}

/** A being's time in a space without a break. */
export interface Stay {
  /** By the dates of the gateways. */
  cameAt: number[]
  /** Whether it is beyond doubt that it began with the first of these. */
  isSure: boolean
}

/**
 * A lease is renewed after a third of it and lives for nine tenths: after a crash it stands at least this part of it.
 */
const LEASE_STANDS = 0.5
/** What happens closer together than this may be taken either way round. */
const MARGIN_MS = 100
/** Until a gateway that starts can say who is here. */
const STARTED_WITHIN_MS = 2_000

export class PresenceLedger {
  readonly #time: VirtualTime
  readonly #tuning: PresenceTuning
  readonly #connections = new Map<SpaceId, Map<string, Connection>>()
  readonly #stays = new Map<SpaceId, Map<BeingId, Stay>>()
  /** Calls when nobody holds a being here any more, as far as connections go. */
  readonly #lost: (space: SpaceId, being: BeingId) => void
  /** Whether something is wrong right now. */
  readonly #isTroubled: () => boolean
  #disturbedAt = Number.NEGATIVE_INFINITY
  #areDatesOff = false

  constructor(
    time: VirtualTime,
    tuning: PresenceTuning,
    isTroubled: () => boolean,
    lost: (space: SpaceId, being: BeingId) => void,
  ) {
    this.#isTroubled = isTroubled
    this.#time = time
    this.#tuning = tuning
    this.#lost = lost
  }

  readonly now = (): number => this.#time.now()

  disturbed(): void {
    this.#disturbedAt = this.#time.now()
  }

  isUndisturbedSince(at: number): boolean {
    return this.#disturbedAt < at && !this.#isTroubled()
  }

  /** Whether the dates of gateways differ, or did: then they do not tell what came first. */
  get areDatesOff(): boolean {
    return this.#areDatesOff
  }

  /** Of a machine whose gateway may be down. */
  dateStepped(process: ProcessFacts | undefined, byMs: number): void {
    if (process !== undefined) process.dateAheadMs += byMs
    this.#areDatesOff = true
  }

  started(name: string, dateAheadMs = 0): ProcessFacts {
    const { graceMs } = this.#tuning
    return { name, startedAt: this.#time.now(), graceMs, endedAt: undefined, dateAheadMs, isStopped: false }
  }

  ended(process: ProcessFacts, isStopped: boolean): void {
    if (process.endedAt !== undefined) return
    process.endedAt = this.#time.now()
    process.isStopped = isStopped
    for (const [space, connections] of this.#connections)
      for (const one of connections.values()) if (one.process === process) this.#go(space, one)
  }

  /** Those who went a short while ago, and who will go, are waited for longer. */
  prolonged(process: ProcessFacts, ms: number): void {
    process.graceMs += ms
    const now = this.#time.now()
    for (const connections of this.#connections.values())
      for (const one of connections.values())
        if (one.process === process && one.goneAt !== undefined && one.endsAt >= now) {
          one.endsAtMost += ms
          if (one.endsAt > now) one.endsAt += ms
        }
  }

  came(process: ProcessFacts, space: SpaceId, id: number, being: BeingId): void {
    if (process.endedAt !== undefined) return
    const known = this.#connections.get(space) ?? new Map<string, Connection>()
    this.#connections.set(space, known)
    const key = `${process.name} ${id}`
    const former = known.get(key)
    const now = this.#time.now()
    if (former !== undefined && this.heldUntil(former) > now) {
      former.goneAt = undefined
      return
    }
    this.#noteStay(space, being, process)
    known.set(key, {
      process,
      being,
      cameAt: now,
      goneAt: undefined,
      endsAt: 0,
      endsAtMost: 0,
      state: undefined,
      stateAt: 0,
    })
  }

  left(process: ProcessFacts, space: SpaceId, id: number): void {
    const one = this.#connections.get(space)?.get(`${process.name} ${id}`)
    if (one !== undefined) this.#go(space, one)
  }

  /** Nobody else may be here any more, also not those who went a moment ago. */
  restricted(process: ProcessFacts, space: SpaceId, mayRead: (being: BeingId) => boolean): void {
    const now = this.#time.now()
    for (const one of this.#connections.get(space)?.values() ?? [])
      if (one.process === process && !mayRead(one.being)) {
        this.#go(space, one)
        one.endsAt = Math.min(one.endsAt, now)
        one.endsAtMost = one.endsAt
      }
  }

  stateSet(process: ProcessFacts, space: SpaceId, id: number, state: JsonObject): void {
    const one = this.#connections.get(space)?.get(`${process.name} ${id}`)
    if (one === undefined || one.goneAt !== undefined) return
    one.state = state
    one.stateAt = this.#time.now()
  }

  /** Connections that are open. */
  open(space: SpaceId, being: BeingId): Connection[] {
    return this.#of(space, being).filter(({ goneAt }) => goneAt === undefined)
  }

  stay(space: SpaceId, being: BeingId): Stay | undefined {
    return this.#stays.get(space)?.get(being)
  }

  /** Beings that were ever here. */
  beings(space: SpaceId): BeingId[] {
    return [...(this.#stays.get(space)?.keys() ?? [])]
  }

  /** Whether it is beyond doubt that a being is here, now and for so long, by connections known for so long. */
  isHeld(space: SpaceId, being: BeingId, knownForMs: number, forMs = 0): boolean {
    const now = this.#time.now()
    const known = this.#of(space, being).filter(
      ({ cameAt, process }) => Math.max(cameAt, process.startedAt + STARTED_WITHIN_MS) <= now - knownForMs,
    )
    const covered = known.map((one) => ({ from: one.cameAt, to: this.heldUntil(one) }))
    return !wasAway(covered, { from: now, to: now + forMs }, 0)
  }

  /** When the last of a being's connections went; undefined while one is open. */
  goneSince(space: SpaceId, being: BeingId): number | undefined {
    const ends = this.#of(space, being).map(({ goneAt }) => goneAt)
    return ends.includes(undefined) ? undefined : Math.max(...ends.map((at) => at ?? 0))
  }

  /** The crashed gateway through which alone a being was here in the end. */
  wreckOf(space: SpaceId, being: BeingId): ProcessFacts | undefined {
    const all = this.#of(space, being)
    const goneAt = this.goneSince(space, being)
    const last = all.find((one) => one.goneAt === goneAt)
    if (last === undefined || last.process.isStopped || last.process.endedAt !== goneAt) return undefined
    const others = all.filter(({ process }) => process !== last.process)
    return others.every((one) => this.#heldAtMost(one) < (goneAt ?? 0)) ? last.process : undefined
  }

  /** The longest grace of those who hold it. */
  longestGraceMs(space: SpaceId, being: BeingId): number {
    return Math.max(0, ...this.#of(space, being).map(({ process }) => process.graceMs))
  }

  /** Until when a connection keeps its being here. */
  heldUntil({ cameAt, goneAt, endsAt, process }: Connection): number {
    if (goneAt === undefined) return Number.POSITIVE_INFINITY
    // Its gateway crashed before it could tell.
    if (process.endedAt !== undefined && process.endedAt < cameAt + MARGIN_MS) return process.endedAt
    if (process.endedAt === undefined || process.endedAt > endsAt) return endsAt
    if (process.isStopped) return process.endedAt
    return Math.min(endsAt, process.endedAt + this.#tuning.leaseMs * LEASE_STANDS)
  }

  #of(space: SpaceId, being: BeingId): Connection[] {
    return [...(this.#connections.get(space)?.values() ?? [])].filter((one) => one.being === being)
  }

  #go(space: SpaceId, one: Connection): void {
    if (one.goneAt !== undefined) return
    one.goneAt = this.#time.now()
    one.endsAt = one.goneAt + one.process.graceMs
    one.endsAtMost = one.endsAt
    if (this.goneSince(space, one.being) !== undefined) this.#lost(space, one.being)
  }

  /** A new connection goes on with the stay of its being, begins another, or leaves it open which of the two. */
  #noteStay(space: SpaceId, being: BeingId, { dateAheadMs }: ProcessFacts): void {
    const now = this.#time.now()
    const date = now + dateAheadMs
    const { leaseMs } = this.#tuning
    const stays = this.#stays.get(space) ?? new Map<BeingId, Stay>()
    this.#stays.set(space, stays)
    const stay = stays.get(being)
    const isQuiet = this.isUndisturbedSince(now - 2 * leaseMs)
    const heldAtMost = Math.max(0, ...this.#of(space, being).map((one) => this.#heldAtMost(one)))
    const isOver = isQuiet && now > heldAtMost + MARGIN_MS
    if (stay === undefined || isOver) {
      stays.set(being, { cameAt: [date], isSure: true })
      return
    }
    stay.cameAt.push(date)
    if (!isQuiet || !this.isHeld(space, being, MARGIN_MS, MARGIN_MS)) stay.isSure = false
  }

  #heldAtMost(one: Connection): number {
    const { endedAt, isStopped } = one.process
    // What it did last may not have reached Redis any more.
    const until = this.heldUntil({ ...one, endsAt: one.endsAtMost })
    const isWreck = endedAt !== undefined && !isStopped && until >= endedAt - MARGIN_MS
    return isWreck ? endedAt + this.#tuning.leaseMs : until
  }
}
