/**
 * What a heartbeat carries beside the lease: which spaces this gateway wrote lately (so that a lost hint shows), one
 * space whose hash is measured (so that one that Redis lost shows in the end), and hashes whose own time is to be
 * renewed. All of it bounded, so that an idle heartbeat stays one.
 */
import type { BootId, GatewayBeat, SpaceId } from '@rhizom/protocol'
import { beatEveryMs, type LeaseSettings } from '../core/presence/lease.ts'
import type { SpaceRoster } from '../core/presence/roster.ts'

/** A hash outlives the last gateway that knew it by no more than this. */
export const HASH_TTL_MS = 24 * 60 * 60 * 1000
const RENEW_EVERY_MS = HASH_TTL_MS / 3
const MAX_RENEWED = 100
/** Each write is told by this many heartbeats. */
const TOLD_BY = 3
const MAX_TOLD = 2000

type Rosters = Pick<ReadonlyMap<SpaceId, { roster: SpaceRoster }>, 'has' | 'get' | 'keys'>

export class BeatContent {
  readonly #toldForMs: number
  /** The latest last. */
  readonly #wrote = new Map<SpaceId, { bootId: BootId; rev: number; at: number }>()
  readonly #renewedAt = new Map<SpaceId, number>()
  #toMeasure: SpaceId[] = []

  constructor(lease: LeaseSettings) {
    this.#toldForMs = beatEveryMs(lease) * TOLD_BY
  }

  wrote(bootId: BootId, space: SpaceId, rev: number, at: number): void {
    this.#wrote.delete(space)
    this.#wrote.set(space, { bootId, rev, at })
    if (!this.#renewedAt.has(space)) this.#renewedAt.set(space, at)
    const [oldest] = this.#wrote.keys()
    if (this.#wrote.size > MAX_TOLD && oldest !== undefined) this.#wrote.delete(oldest)
  }

  forget(space: SpaceId): void {
    this.#renewedAt.delete(space)
  }

  /** Nothing while nothing was written lately under this name: what was under a former one would be looked for in vain. */
  announce(bootId: BootId, now: number): GatewayBeat | undefined {
    for (const [space, { at, bootId: by }] of this.#wrote)
      if (by !== bootId || at + this.#toldForMs < now) this.#wrote.delete(space)
    if (this.#wrote.size === 0) return undefined
    const wrote = Object.fromEntries([...this.#wrote].map(([space, { rev }]) => [space, rev] as const))
    return { bootId, wrote, stops: false }
  }

  /** One space after the other, one each time. */
  nextToMeasure(spaces: Rosters): SpaceRoster | undefined {
    // Many of those that were there when the round began may be gone.
    let next = this.#toMeasure.pop()
    while (next !== undefined && !spaces.has(next)) next = this.#toMeasure.pop()
    if (next === undefined) {
      this.#toMeasure = [...spaces.keys()]
      next = this.#toMeasure.pop()
    }
    return next === undefined ? undefined : spaces.get(next)?.roster
  }

  toRenew(spaces: Rosters, now: number): SpaceId[] {
    const due: SpaceId[] = []
    for (const [space, at] of this.#renewedAt) {
      if (due.length >= MAX_RENEWED) break
      if (at + RENEW_EVERY_MS > now) continue
      this.#renewedAt.set(space, now)
      if ((spaces.get(space)?.roster.ownCount ?? 0) > 0) due.push(space)
    }
    return due
  }
}
