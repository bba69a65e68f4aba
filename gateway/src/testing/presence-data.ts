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
  type SpaceId,
} from '@rhizom/protocol'
import type { Orphans, PresenceRead } from '../core/presence/presence-read.ts'
import type { PresenceWrite } from '../core/presence/roster-effect.ts'
import type { BeatAnswer, BeatRequest, LastWords } from '../ports.ts'

interface Lease {
  until: number
  formerly: readonly BootId[]
}

/** What subscribers are to hear. */
export interface PresenceBus {
  hint(space: SpaceId, bootId: BootId, from: number, to: number, hint: PresenceHint): void
  announce(beat: GatewayBeat): void
}

export class PresenceData {
  readonly hashes = new Map<SpaceId, Map<string, string>>()
  readonly leases = new Map<BootId, Lease>()
  /** Gateways that are known, and when each was heard of last. */
  readonly beats = new Map<BootId, number>()
  /** The spaces in which a gateway has entries. */
  readonly estates = new Map<BootId, Set<SpaceId>>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** As it is now, for a replica that hears nothing more. */
  clone(): PresenceData {
    const copy = new PresenceData(this.#now)
    for (const [space, hash] of this.hashes) copy.hashes.set(space, new Map(hash))
    for (const [boot, lease] of this.leases) copy.leases.set(boot, { ...lease })
    for (const [boot, at] of this.beats) copy.beats.set(boot, at)
    for (const [boot, spaces] of this.estates) copy.estates.set(boot, new Set(spaces))
    return copy
  }

  flush(): void {
    for (const part of [this.hashes, this.leases, this.beats, this.estates]) part.clear()
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

  beat({ name, isNew, ttlMs, peers, announce, measure, at }: BeatRequest, bus: PresenceBus): BeatAnswer {
    const isKept = this.isAlive(name.bootId) !== isNew
    if (isKept) this.leases.set(name.bootId, { until: this.#now() + ttlMs, formerly: name.formerly })
    this.beats.set(name.bootId, at)
    const restsMs = new Map<BootId, number>()
    for (const peer of peers)
      if (this.isAlive(peer)) restsMs.set(peer, (this.leases.get(peer)?.until ?? 0) - this.#now())
    if (announce !== undefined) bus.announce(announce)
    const measured = measure === undefined ? undefined : this.hash(measure).size
    return { isKept, restsMs, known: new Map(this.beats), measured }
  }

  write({ space, bootId, from, to, put, left, isWhole, hint }: PresenceWrite, bus: PresenceBus): void {
    const estate = this.estates.get(bootId) ?? new Set<SpaceId>()
    if (put.size > 0) {
      if (!this.beats.has(bootId)) this.beats.set(bootId, this.#now())
      this.estates.set(bootId, estate.add(space))
    }
    const hash = this.hashes.get(space) ?? new Map<string, string>()
    this.hashes.set(space, hash)
    for (const [being, entry] of put) hash.set(presenceField(bootId, being), JSON.stringify(entry))
    this.#remove(space, bootId, [...left.keys()])
    if (isWhole && put.size === 0 && estate.delete(space) && estate.size === 0) this.estates.delete(bootId)
    bus.hint(space, bootId, from, to, hint)
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
      leases: new Map(alive.map((boot) => [boot, this.leases.get(boot)?.formerly ?? []])),
      beats: new Map([...this.beats].filter(([boot]) => asked.has(boot))),
    }
  }

  removeOrphans(space: SpaceId, orphans: Orphans): void {
    for (const [boot, beings] of orphans) this.#remove(space, boot, beings)
  }

  estateOf(boot: BootId, limit: number): SpaceId[] {
    return [...(this.estates.get(boot) ?? [])].slice(0, limit)
  }

  settled(boot: BootId, spaces: readonly SpaceId[]): void {
    const estate = this.estates.get(boot)
    for (const space of spaces) estate?.delete(space)
    if (estate?.size === 0) this.estates.delete(boot)
  }

  forget(boot: BootId): void {
    this.beats.delete(boot)
    this.estates.delete(boot)
  }

  leave({ bootId, beings, beat }: LastWords, bus: PresenceBus): void {
    for (const [space, those] of beings) this.#remove(space, bootId, those)
    this.leases.delete(bootId)
    this.forget(bootId)
    bus.announce(beat)
  }

  #remove(space: SpaceId, boot: BootId, beings: readonly BeingId[]): void {
    const hash = this.hashes.get(space)
    for (const being of beings) hash?.delete(presenceField(boot, being))
    if (hash?.size === 0) this.hashes.delete(space)
  }
}
