/**
 * Who is in one space, over all gateways, our own among them: the part of each, merged by being (`mergePresence` of the
 * protocol). Kept by being and by gateway, so that each join costs the same; what changed is kept until it is taken.
 */
import { type BeingId, type BootId, type Here, mergePresence, type PresenceEntry } from '@rhizom/protocol'

export interface MergedBeing extends Here {
  /** When its state was set; 0 if never. */
  setAt: number
}

/** Who is here through one gateway. */
export type Part = ReadonlyMap<BeingId, PresenceEntry>

export const NOBODY: Part = new Map()

export class MergedPresence {
  readonly #byBeing = new Map<BeingId, Map<BootId, PresenceEntry>>()
  readonly #byBoot = new Map<BootId, Map<BeingId, PresenceEntry>>()
  #changed = new Set<BeingId>()

  get count(): number {
    return this.#byBeing.size
  }

  /** Fields that Redis should hold: a being counts once for each of its gateways. */
  get entryCount(): number {
    return [...this.#byBoot.values()].reduce((entries, part) => entries + part.size, 0)
  }

  get hasChanged(): boolean {
    return this.#changed.size > 0
  }

  beings(): IterableIterator<BeingId> {
    return this.#byBeing.keys()
  }

  has(being: BeingId): boolean {
    return this.#byBeing.has(being)
  }

  get(being: BeingId): MergedBeing | undefined {
    const merged = mergePresence(this.#byBeing.get(being) ?? [])
    return merged === undefined ? undefined : { being, ...merged }
  }

  partOf(boot: BootId): Part {
    return this.#byBoot.get(boot) ?? NOBODY
  }

  put(boot: BootId, being: BeingId, entry: PresenceEntry): void {
    const entries = this.#byBeing.get(being) ?? new Map<BootId, PresenceEntry>()
    const part = this.#byBoot.get(boot) ?? new Map<BeingId, PresenceEntry>()
    this.#byBeing.set(being, entries.set(boot, entry))
    this.#byBoot.set(boot, part.set(being, entry))
    this.#changed.add(being)
  }

  remove(boot: BootId, being: BeingId): void {
    const entries = this.#byBeing.get(being)
    if (entries?.delete(boot) !== true) return
    if (entries.size === 0) this.#byBeing.delete(being)
    const part = this.#byBoot.get(boot)
    part?.delete(being)
    if (part?.size === 0) this.#byBoot.delete(boot)
    this.#changed.add(being)
  }

  replace(boot: BootId, part: Part): void {
    for (const being of this.partOf(boot).keys()) if (!part.has(being)) this.remove(boot, being)
    for (const [being, entry] of part) this.put(boot, being, entry)
  }

  /** Those that may have changed since this was last asked. */
  takeChanged(): ReadonlySet<BeingId> {
    const changed = this.#changed
    this.#changed = new Set()
    return changed
  }
}
