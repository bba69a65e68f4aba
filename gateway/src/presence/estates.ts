/**
 * Clears up after gateways that died: removes what they left in Redis, also from spaces that nobody watches, and reports
 * who was last seen through them. Every gateway does so on its own; what one has settled the others no longer find. What
 * fails is tried again when the next heartbeat misses the lease.
 */
import type { BootId, SpaceId } from '@rhizom/protocol'
import { estateIn } from '../core/presence-read.ts'
import type { PresenceStore } from '../ports.ts'
import type { LastSeen } from './last-seen.ts'
import type { PresenceMetrics } from './presence-metrics.ts'

export interface EstatesPorts {
  store: PresenceStore
  lastSeen: Pick<LastSeen, 'note'>
  metrics: PresenceMetrics
  failed(error: unknown): void
}

/** Spaces settled at a time. */
const STEP = 20

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
