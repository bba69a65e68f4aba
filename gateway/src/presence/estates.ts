/**
 * Clears up after gateways that died: removes what they left in Redis, also from spaces that nobody watches, and reports
 * who was last seen through them. Every gateway does so on its own; what one has settled the others no longer find. What
 * fails is tried again when the next heartbeat misses the lease.
 */
import type { BeingId, BootId, SpaceId } from '@rhizom/protocol'
import { estateIn } from '../core/presence/presence-read.ts'
import type { PresenceStore } from '../ports.ts'
import type { LastSeen } from './last-seen.ts'
import type { PresenceMetrics } from './presence-metrics.ts'

export interface EstatesPorts {
  store: PresenceStore
  /** Who is here through this gateway; undefined where a roster that is followed compares for itself. */
  ownBeings(space: SpaceId): readonly BeingId[] | undefined
  lastSeen: Pick<LastSeen, 'note'>
  metrics: PresenceMetrics
  failed(error: unknown): void
}

/** Spaces settled at a time. */
const STEP = 20
/** Spaces of our own that are looked at. */
const MAX_OWN = 10_000

export class Estates {
  readonly #ports: EstatesPorts
  readonly #underWay = new Set<BootId>()

  constructor(ports: EstatesPorts) {
    this.#ports = ports
  }

  /** `boot` has no lease any more. */
  settle(boot: BootId): void {
    if (this.#underWay.has(boot)) return
    this.#underWay.add(boot)
    this.#settleAll(boot)
      .catch((error: unknown) => this.#ports.failed(error))
      .finally(() => this.#underWay.delete(boot))
  }

  /**
   * Looks after our own entries in spaces that nobody follows here: a replica that lagged may remember somebody who left
   * through us. `boot` is our name.
   */
  tidy(boot: BootId): void {
    if (this.#underWay.has(boot)) return
    this.#underWay.add(boot)
    this.#tidyAll(boot)
      .catch((error: unknown) => this.#ports.failed(error))
      .finally(() => this.#underWay.delete(boot))
  }

  async #tidyAll(boot: BootId): Promise<void> {
    const { store, ownBeings, metrics } = this.#ports
    for (const space of await store.estateOf(boot, MAX_OWN)) {
      if (ownBeings(space) === undefined) continue
      const { entries } = await store.read(space, [boot])
      // As it is now: whoever comes from here on is written after what is removed.
      const own = ownBeings(space)
      if (own === undefined) continue
      const extra = [...(entries.get(boot)?.keys() ?? [])].filter((being) => !own.includes(being))
      if (extra.length > 0) metrics.orphansRemoved.inc(extra.length)
      const orphans = new Map([[boot, extra]])
      const isLeft = own.length === 0 ? store.settled(boot, [space]) : Promise.resolve()
      await Promise.all([store.removeOrphans(space, orphans), isLeft])
    }
  }

  async #settleAll(boot: BootId): Promise<void> {
    const { store, metrics } = this.#ports
    for (;;) {
      const spaces = await store.estateOf(boot, STEP)
      if (spaces.length === 0) break
      for (const space of spaces) await this.#settleSpace(space, boot)
      await store.settled(boot, spaces)
    }
    await store.forget(boot)
    metrics.gatewaysGone.inc()
  }

  async #settleSpace(space: SpaceId, boot: BootId): Promise<void> {
    const { store, lastSeen, metrics } = this.#ports
    const { orphans, lost } = estateIn(await store.read(space, [boot]), boot)
    for (const [being, at] of lost) lastSeen.note(being, at)
    if (orphans.length === 0) return
    await store.removeOrphans(space, new Map([[boot, orphans]]))
    metrics.orphansRemoved.inc(orphans.length)
  }
}
