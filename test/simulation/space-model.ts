/**
 * A space as the database has it: its histories, one an epoch, of which the last is the current one. Every history
 * keeps all its changes and what the space held at each of them, because the oracle needs them; what the log still
 * serves begins at `floor`.
 */
import type { BeingId, Change, Snapshot, SpaceId } from '@rhizom/protocol'
import { NOTHING_TOLD, pictureTold, type Told, tell } from './reference.ts'

type Distribute<T> = T extends Change ? Pick<T, 'kind' | 'body'> : never
/** A change before it has a version. */
export type Entry = Distribute<Change>

export interface Cause {
  actor: BeingId
  mutation: string
  at: number
}

export class History {
  readonly epoch: string
  readonly space: SpaceId
  readonly changes: Change[]
  /** `told[n]` is what the space holds at version n. */
  readonly told: Told[]
  readonly #pictures = new Map<number, string>()

  constructor(space: SpaceId, epoch: string, changes: Change[] = [], told: Told[] = [NOTHING_TOLD]) {
    this.space = space
    this.epoch = epoch
    this.changes = changes
    this.told = told
  }

  get version(): number {
    return this.changes.length
  }

  /** What the space holds at a version, or nothing if this history never had it. */
  at(version: number): Told | undefined {
    return this.told[version]
  }

  pictureAt(version: number): string | undefined {
    const known = this.#pictures.get(version)
    const told = this.told[version]
    if (known !== undefined || told === undefined) return known
    const picture = pictureTold(told, this.space)
    this.#pictures.set(version, picture)
    return picture
  }

  /** What was said up to a version and removed after it: its words may be gone from changes that still tell of it. */
  removedAfter(version: number): ReadonlySet<string> {
    const later = this.changes.slice(version)
    return new Set(later.flatMap(({ kind, body }) => (kind === 'intention.remove' ? [body.id] : [])))
  }

  append(change: Change): void {
    this.changes.push(change)
    this.told.push(tell(this.told.at(-1) ?? NOTHING_TOLD, change))
  }

  /** Another history with the same beginning. */
  branch(epoch: string, version: number): History {
    return new History(this.space, epoch, this.changes.slice(0, version), this.told.slice(0, version + 1))
  }

  /** The beginning of this history is kept and the rest forgotten, under the same epoch. */
  truncate(version: number): void {
    this.changes.length = version
    this.told.length = version + 1
    for (const known of this.#pictures.keys()) if (known > version) this.#pictures.delete(known)
  }
}

export class SpaceModel {
  readonly id: SpaceId
  readonly histories = new Map<string, History>()
  current: History
  /** The log serves changes after this version. */
  floor = 0
  changedAt = 0
  /** When the current history became current. */
  begunAt = 0

  constructor(id: SpaceId, epoch: string) {
    this.id = id
    this.current = this.#begin(new History(id, epoch))
  }

  get now(): Told {
    return this.current.told.at(-1) ?? NOTHING_TOLD
  }

  get exists(): boolean {
    return this.current.version > 0 && !this.now.isRemoved
  }

  /** Commits changes at the next versions. */
  commit(entries: readonly Entry[], cause: Cause): Change[] {
    this.changedAt = cause.at
    return entries.map((entry) => {
      const version = this.current.version + 1
      const change = stamped(entry, { ...cause, version }, this.current.epoch)
      this.current.append(change)
      return change
    })
  }

  /** What a log that was pruned, restored or never broken answers to somebody who stands at a position. */
  changesAfter(epoch: string, version: number): readonly Change[] | undefined {
    const { current, floor } = this
    if (epoch !== current.epoch || version > current.version || version < floor) return undefined
    return current.changes.slice(version)
  }

  prune(keep: number): void {
    this.floor = Math.max(this.floor, this.current.version - keep)
  }

  /** The database came back from a backup: its last versions are gone and what follows is another history. */
  restore(epoch: string, lost: number, at: number): void {
    this.begunAt = at
    const version = Math.max(1, this.current.version - lost)
    this.current = this.#begin(this.current.branch(epoch, version))
    this.floor = Math.min(this.floor, version)
  }

  /** The same without a new epoch, which is what must never be done (SPEC.md). */
  loseTail(lost: number): void {
    this.current.truncate(Math.max(1, this.current.version - lost))
    this.floor = Math.min(this.floor, this.current.version)
  }

  /** A space of the same name, made after the former one was removed. */
  beginAnew(epoch: string, at: number): void {
    this.begunAt = at
    this.current = this.#begin(new History(this.id, epoch))
    this.floor = 0
  }

  snapshot(): Snapshot {
    const { current, now, id } = this
    const beings = [...now.beings.values()].filter(({ location }) => location === id)
    const { name, visibility } = now
    return {
      space: { id, name, visibility, epoch: current.epoch, version: current.version, createdAt: CREATED_AT },
      epoch: current.epoch,
      version: current.version,
      beings,
      beingCount: beings.length,
      intentions: [...now.intentions.values()],
      hasMore: false,
      members: [...now.members].map(([being, role]) => ({ being, role })),
    }
  }

  #begin(history: History): History {
    this.histories.set(history.epoch, history)
    return history
  }
}

const CREATED_AT = 1_700_000_000_000

/** The change as the database writes it: with its version, and the entity stamped with it. */
function stamped(entry: Entry, header: Cause & { version: number }, epoch: string): Change {
  const { version, at } = header
  switch (entry.kind) {
    case 'space.put':
      return { ...header, kind: entry.kind, body: { ...entry.body, epoch, version, createdAt: CREATED_AT } }
    case 'being.put':
      return { ...header, kind: entry.kind, body: { ...entry.body, rev: version, modifiedAt: at } }
    case 'intention.put':
      return { ...header, kind: entry.kind, body: { ...entry.body, rev: version, modifiedAt: at } }
    default:
      return { ...header, ...entry }
  }
}
