/**
 * For tests: what Redis holds of presence and what each command of a gateway does to it, without time passing. How
 * commands travel, and which of them are lost, is for those who use it.
 */
import {
  type BeingId,
  type BootId,
  type GatewayBeat,
  parsePresenceField,
  presenceEntrySchema,
  presenceField,
  type PresenceEntry,
  type PresenceHint,
  type Range,
  type SpaceId,
} from '@rhizom/protocol'
import type { PresenceWrite } from '../../gateway/src/core/presence/local.ts'
import type { PresenceRead } from '../../gateway/src/core/presence/remote.ts'
import type { HeartbeatAnswer, HeartbeatRequest, Leave } from '../../gateway/src/ports.ts'

interface Lease {
  until: number
  previousBootIds: readonly BootId[]
}

/** What subscribers are to hear. */
export interface PresenceBus {
  hint(space: SpaceId, range: Range<BootId>, hint: PresenceHint): void
  announce(heartbeat: GatewayBeat): void
}

export class PresenceData {
  readonly hashes = new Map<SpaceId, Map<string, string>>()
  readonly leases = new Map<BootId, Lease>()
  /** Gateways that are known, and when each was heard of last. */
  readonly heartbeats = new Map<BootId, number>()
  /** The spaces in which a gateway has entries. */
  readonly spaces = new Map<BootId, Set<SpaceId>>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** As it is now, for a replica that hears nothing more. */
  clone(): PresenceData {
    const copy = new PresenceData(this.#now)
    for (const [space, hash] of this.hashes) copy.hashes.set(space, new Map(hash))
    for (const [boot, lease] of this.leases) copy.leases.set(boot, { ...lease })
    for (const [boot, at] of this.heartbeats) copy.heartbeats.set(boot, at)
    for (const [boot, spaces] of this.spaces) copy.spaces.set(boot, new Set(spaces))
    return copy
  }

  flush(): void {
    for (const part of [this.hashes, this.leases, this.heartbeats, this.spaces]) part.clear()
  }

  isAlive(boot: BootId): boolean {
    return (this.leases.get(boot)?.until ?? 0) > this.#now()
  }

  hash(space: SpaceId): ReadonlyMap<string, string> {
    return this.hashes.get(space) ?? new Map<string, string>()
  }

  entries(space: SpaceId): Map<string, PresenceEntry> {
    return new Map(
      [...this.hash(space)].map(([field, text]) => [field, presenceEntrySchema.parse(JSON.parse(text))] as const),
    )
  }

  heartbeat(request: HeartbeatRequest, bus: PresenceBus): HeartbeatAnswer {
    const { identity, isNew, peers, announce, countOf, at } = request
    const { bootId, previousBootIds } = identity
    const renewed = this.isAlive(bootId) !== isNew
    if (renewed) this.leases.set(bootId, { until: this.#now() + request.ttlMs, previousBootIds })
    this.heartbeats.set(bootId, at)
    const ttlMs = new Map<BootId, number>()
    for (const peer of peers) if (this.isAlive(peer)) ttlMs.set(peer, (this.leases.get(peer)?.until ?? 0) - this.#now())
    if (announce !== undefined) bus.announce(announce)
    const entryCount = countOf === undefined ? undefined : this.hash(countOf).size
    return { renewed, ttlMs, gateways: [...this.heartbeats.keys()], entryCount }
  }

  write({ space, range, put, left, isWhole, hint }: PresenceWrite, bus: PresenceBus): void {
    const { epoch: bootId } = range
    const spaces = this.spaces.get(bootId) ?? new Set<SpaceId>()
    if (put.size > 0) {
      if (!this.heartbeats.has(bootId)) this.heartbeats.set(bootId, this.#now())
      this.spaces.set(bootId, spaces.add(space))
    }
    const hash = this.hashes.get(space) ?? new Map<string, string>()
    this.hashes.set(space, hash)
    for (const [being, entry] of put) hash.set(presenceField(bootId, being), JSON.stringify(entry))
    this.removeEntries(space, bootId, [...left.keys()])
    if (isWhole && put.size === 0 && spaces.delete(space) && spaces.size === 0) this.spaces.delete(bootId)
    bus.hint(space, range, hint)
  }

  read(space: SpaceId, boots: readonly BootId[]): PresenceRead {
    const entries = new Map<BootId, Map<BeingId, PresenceEntry>>()
    for (const [field, entry] of this.entries(space)) {
      const name = parsePresenceField(field)
      if (name === undefined) throw new Error(`not a field: ${field}`)
      const part = entries.get(name.bootId) ?? new Map<BeingId, PresenceEntry>()
      entries.set(name.bootId, part.set(name.being, entry))
    }
    const asked = new Set([...boots, ...entries.keys()])
    const alive = [...asked].filter((boot) => this.isAlive(boot))
    return {
      entries,
      leases: new Map(alive.map((boot) => [boot, this.leases.get(boot)?.previousBootIds ?? []])),
      heartbeats: new Map([...this.heartbeats].filter(([boot]) => asked.has(boot))),
    }
  }

  spacesOf(boot: BootId, limit: number): SpaceId[] {
    return [...(this.spaces.get(boot) ?? [])].slice(0, limit)
  }

  removeSpaces(boot: BootId, spaces: readonly SpaceId[]): void {
    const known = this.spaces.get(boot)
    for (const space of spaces) known?.delete(space)
    if (known?.size === 0) this.spaces.delete(boot)
  }

  removeGateway(boot: BootId): void {
    this.heartbeats.delete(boot)
    this.spaces.delete(boot)
  }

  leave({ bootId, beings, announce }: Leave, bus: PresenceBus): void {
    for (const [space, those] of beings) this.removeEntries(space, bootId, those)
    this.leases.delete(bootId)
    this.removeGateway(bootId)
    bus.announce(announce)
  }

  removeEntries(space: SpaceId, boot: BootId, beings: readonly BeingId[]): void {
    const hash = this.hashes.get(space)
    for (const being of beings) hash?.delete(presenceField(boot, being))
    if (hash?.size === 0) this.hashes.delete(space)
  }
}
