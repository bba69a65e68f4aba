/**
 * A space as the server has it: a log of changes and the rows they lead to. Plain maps, written without a look at
 * `core/space-content.ts`, so that a test can hold one against the other.
 */
import {
  appendText,
  type Being,
  type BeingId,
  type Change,
  changeSchema,
  type Content,
  type Epoch,
  type Intention,
  type Role,
  type Snapshot,
  type Space,
  type SpaceId,
} from '@rhizom/protocol'
import { newId } from '../sync/new-id.ts'

type Distribute<T> = T extends Change ? Pick<T, 'kind' | 'body'> : never
/** A change as a test writes it: kind and body, the log adds the rest. */
export type LogEntry = Distribute<Change>

const EPOCH_MS = 1_800_000_000_000

export class SpaceLog {
  readonly id: SpaceId
  epoch: Epoch
  space: Space
  readonly beings = new Map<BeingId, Being>()
  readonly intentions = new Map<string, Intention>()
  readonly members = new Map<BeingId, Role>()
  /** Changes the log still holds; earlier ones are pruned. */
  changes: Change[] = []
  version = 0

  constructor(id: SpaceId, epoch: Epoch = newId()) {
    this.id = id
    this.epoch = epoch
    this.space = { id, name: id.slice(1), visibility: 'public', epoch, version: 0, createdAt: EPOCH_MS }
  }

  /** Commits one change. */
  write(entry: LogEntry, mutation: string = newId(), actor: BeingId = '@ada'): Change {
    this.version += 1
    const version = this.version
    const at = EPOCH_MS + version
    const change = changeSchema.parse({ version, at, actor, mutation, ...this.#stamped(entry, version, at) })
    this.changes.push(change)
    this.#apply(change)
    return change
  }

  /** The changes after a position, or null where only a snapshot helps. */
  changesAfter(epoch: string | undefined, after: number | undefined): Change[] | null {
    if (epoch !== this.epoch || after === undefined || after > this.version) return null
    const kept = this.changes[0]?.version ?? this.version + 1
    return after + 1 < kept ? null : this.changes.filter(({ version }) => version > after)
  }

  /** Forgets the oldest changes. */
  prune(upTo: number): void {
    this.changes = this.changes.filter(({ version }) => version > upTo)
  }

  /** Begins another history with the same rows, as a restored backup does. */
  restart(epoch: Epoch = newId()): void {
    this.epoch = epoch
    this.changes = []
    this.version = Math.max(1, Math.floor(this.version / 2))
    // No row of a history is newer than the history.
    const aged = <T extends { rev: number }>(row: T): T => ({ ...row, rev: Math.min(row.rev, this.version) })
    for (const [id, being] of this.beings) this.beings.set(id, aged(being))
    for (const [id, intention] of this.intentions) this.intentions.set(id, aged(intention))
  }

  /** What a client without a position gets. */
  snapshot(newest = 200): Snapshot {
    // A map keeps the order in which its keys came, which is the order of the log.
    const all = [...this.intentions.values()]
    const intentions = all.slice(-newest)
    const located = [...this.beings.values()].filter(({ location }) => location === this.id)
    const authors = [...this.beings.values()].filter(
      ({ id, location }) => location !== this.id && intentions.some(({ owner }) => owner === id),
    )
    return {
      space: { ...this.space, epoch: this.epoch, version: this.version },
      epoch: this.epoch,
      version: this.version,
      beings: [...located, ...authors],
      beingCount: located.length,
      intentions,
      hasMore: all.length > intentions.length,
      members: [...this.members].map(([being, role]) => ({ being, role })),
    }
  }

  /** What the server stamps on an entity that a change puts. */
  #stamped(entry: LogEntry, version: number, at: number): LogEntry {
    if (entry.kind === 'being.put') return { ...entry, body: { ...entry.body, rev: version, modifiedAt: at } }
    if (entry.kind !== 'intention.put') return entry
    const createdAt = this.intentions.get(entry.body.id)?.createdAt ?? at
    return { ...entry, body: { ...entry.body, rev: version, createdAt, modifiedAt: at } }
  }

  #apply({ kind, body, version, at }: Change): void {
    switch (kind) {
      case 'space.put':
        this.space = body
        return
      case 'being.put':
        this.beings.set(body.id, body)
        return
      case 'being.remove': {
        const being = this.beings.get(body.id)
        if (being !== undefined) this.beings.set(body.id, { ...being, location: null })
        return
      }
      case 'intention.put':
        this.intentions.set(body.id, body)
        return
      case 'intention.append': {
        const held = this.intentions.get(body.id)
        if (held === undefined) return
        const content = appendText(held.content, body.text)
        const { claim } = held
        const renewed = claim && body.until !== undefined ? { claim: { ...claim, until: body.until } } : {}
        this.intentions.set(body.id, { ...held, ...renewed, content, rev: version, modifiedAt: at })
        return
      }
      case 'intention.remove':
        this.intentions.delete(body.id)
        return
      case 'member.put':
        this.members.set(body.being, body.role)
        return
      case 'member.remove':
        this.members.delete(body.id)
        return
      case 'space.remove':
        return
      default:
        kind satisfies never
    }
  }
}

/** The text of a content, for tests that look at nothing else. */
export const plainText = (content: Content): string => content.filter((node) => typeof node === 'string').join('')

/** A being as tests need it. */
export const aBeing = (id: BeingId, fields: Partial<Being> = {}): Being => ({
  id,
  type: 'guest',
  name: id.slice(1),
  owner: null,
  location: null,
  metadata: {},
  properties: {},
  content: [],
  rev: 0,
  createdAt: EPOCH_MS,
  modifiedAt: EPOCH_MS,
  lastSeenAt: null,
  ...fields,
})

/** An utterance as tests need it. The log stamps when it was made. */
export const anUtterance = (
  space: SpaceId,
  owner: BeingId,
  text: string,
  fields: Partial<Intention> = {},
): Intention => ({
  id: newId(),
  type: 'utterance',
  state: 'complete',
  owner,
  location: space,
  content: [text],
  rev: 0,
  createdAt: EPOCH_MS,
  modifiedAt: EPOCH_MS,
  ...fields,
})
