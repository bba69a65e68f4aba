/**
 * Clears up after gateways that died: removes what they left in Redis, also from spaces that nobody watches, and
 * reports who was last seen through them. Every gateway does so on its own; what one has removed the others no longer
 * find. What fails is tried again when the next heartbeat misses the lease.
 */
import type { BeingId, BootId, SpaceId } from '@rhizom/protocol'
import { NOBODY, type Part } from '../core/presence/merged.ts'
import type { PresenceRead } from '../core/presence/remote.ts'
import type { LinkedDeps } from './heartbeat.ts'

/** Spaces cleaned up at a time. */
const STEP = 20

export class OrphanCleaner {
  readonly #deps: LinkedDeps
  readonly #underWay = new Set<BootId>()

  constructor(deps: LinkedDeps) {
    this.#deps = deps
  }

  /** `boot` has no lease any more; `found` is a space that holds something of it, whatever Redis remembers of where. */
  cleanUpAfter(boot: BootId, found?: SpaceId): void {
    if (this.#underWay.has(boot)) return
    this.#underWay.add(boot)
    const removed = this.#removeAll(boot, found).finally(() => this.#underWay.delete(boot))
    this.#deps.heartbeat.expect(removed, () => undefined)
  }

  async #removeAll(boot: BootId, found: SpaceId | undefined): Promise<void> {
    const { store, metrics } = this.#deps
    if (found !== undefined) await this.#removeFrom(found, boot)
    for (;;) {
      const spaces = await store.spacesOf(boot, STEP)
      if (spaces.length === 0) break
      for (const space of spaces) await this.#removeFrom(space, boot)
      await store.removeSpaces(boot, spaces)
    }
    await store.removeGateway(boot)
    metrics.gatewaysGone.inc()
  }

  async #removeFrom(space: SpaceId, boot: BootId): Promise<void> {
    const { store, lastSeen, metrics } = this.#deps
    const { orphans, lastSeen: seen } = orphansOf(await store.read(space, [boot]), boot)
    for (const [being, at] of seen) lastSeen.note(being, at)
    if (orphans.length === 0) return
    await store.removeEntries(space, boot, orphans)
    metrics.orphansRemoved.inc(orphans.length)
  }
}

/**
 * What a gateway without a lease left in a space, and when those were last seen whom nobody saw leave: at its last
 * heartbeat, or when they came or did something after it. One that goes on under another name has the same connections:
 * nobody of it left.
 */
export function orphansOf(
  { entries, leases, heartbeats }: PresenceRead,
  boot: BootId,
): { orphans: BeingId[]; lastSeen: Map<BeingId, number> } {
  const left: Part = leases.has(boot) ? NOBODY : (entries?.get(boot) ?? NOBODY)
  const isReplaced = [...leases.values()].some((formerly) => formerly.includes(boot))
  const heartbeatAt = heartbeats.get(boot) ?? 0
  const seen = [...left].map(([being, { since, setAt }]) => [being, Math.max(since, setAt, heartbeatAt)] as const)
  return { orphans: [...left.keys()], lastSeen: new Map(isReplaced ? [] : seen) }
}
