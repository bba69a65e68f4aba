/**
 * Who is in one space, over all gateways: the part of each gateway, merged by being (the rule is `mergePresence` of the
 * protocol). A being is here while at least one part has it. Changed in place, because a space may hold thousands and
 * each join must cost the same; what changed is collected until somebody takes it.
 */
import { type BeingId, type BootId, type Here, mergePresence, type PresenceEntry } from '@rhizom/protocol'

export interface MergedBeing extends Here {
  /** When its state was set; 0 if never. */
  setAt: number
}

export class MergedPresence {
  readonly #byBeing = new Map<BeingId, Map<BootId, PresenceEntry>>()
  readonly #byBoot = new Map<BootId, Set<BeingId>>()
  readonly #changed = new Set<BeingId>()

  /** How many beings are here. */
  get count(): number {
    return this.#byBeing.size
  }

  get hasChanged(): boolean {
    return this.#changed.size > 0
  }

  /** Gateways that have somebody here. */
  boots(): BootId[] {
    return [...this.#byBoot.keys()]
  }

  beings(): IterableIterator<BeingId> {
    return this.#byBeing.keys()
  }

  /** Fields that Redis should hold: a being counts once for each of its gateways. */
  get entryCount(): number {
    let entries = 0
    for (const beings of this.#byBoot.values()) entries += beings.size
    return entries
  }

  has(being: BeingId): boolean {
    return this.#byBeing.has(being)
  }

  get(being: BeingId): MergedBeing | undefined {
    const merged = mergePresence(this.#byBeing.get(being) ?? [])
    return merged === undefined ? undefined : { being, ...merged }
  }

  beingsOf(boot: BootId): BeingId[] {
    return [...(this.#byBoot.get(boot) ?? [])]
  }

  /** The part of a gateway. */
  entriesOf(boot: BootId): Map<BeingId, PresenceEntry> {
    const entries = this.beingsOf(boot).map((being) => [being, this.entryOf(boot, being)] as const)
    return new Map(entries.filter((one): one is [BeingId, PresenceEntry] => one[1] !== undefined))
  }

  entryOf(boot: BootId, being: BeingId): PresenceEntry | undefined {
    return this.#byBeing.get(being)?.get(boot)
  }

  put(boot: BootId, being: BeingId, entry: PresenceEntry): void {
    const parts = this.#byBeing.get(being) ?? new Map<BootId, PresenceEntry>()
    const beings = this.#byBoot.get(boot) ?? new Set<BeingId>()
    this.#byBeing.set(being, parts.set(boot, entry))
    this.#byBoot.set(boot, beings.add(being))
    this.#changed.add(being)
  }

  remove(boot: BootId, being: BeingId): void {
    const parts = this.#byBeing.get(being)
    if (parts?.delete(boot) !== true) return
    if (parts.size === 0) this.#byBeing.delete(being)
    const beings = this.#byBoot.get(boot)
    beings?.delete(being)
    if (beings?.size === 0) this.#byBoot.delete(boot)
    this.#changed.add(being)
  }

  /** Makes the part of a gateway be exactly this. */
  replace(boot: BootId, entries: ReadonlyMap<BeingId, PresenceEntry>): void {
    for (const being of this.beingsOf(boot)) if (!entries.has(being)) this.remove(boot, being)
    for (const [being, entry] of entries) this.put(boot, being, entry)
  }

  /** Has a being looked at again, though nothing may have changed. */
  touch(being: BeingId): void {
    this.#changed.add(being)
  }

  /** Those that may have changed since this was last asked. */
  takeChanged(): BeingId[] {
    const changed = [...this.#changed]
    this.#changed.clear()
    return changed
  }
}
