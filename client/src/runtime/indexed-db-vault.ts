/**
 * The vault in IndexedDB, one database for each installation and being. A newer layout keeps the queue and drops the
 * rest, which the server has anyway. Loaded when it is first needed.
 */
import { checkValue, mutationCheck, type SpaceId } from '@rhizom/protocol'
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb'
import type { SpaceContent } from '../core/space-content.ts'
import type { KeptMutation, KeptSpace, Vault, VaultChange } from './vault.ts'

interface Layout extends DBSchema {
  /** The key comes from the store, and stands in what is read. */
  queue: { key: number; value: Omit<KeptMutation, 'order'> & { order?: number } }
  spaces: {
    key: SpaceId
    value: { id: SpaceId; content: SpaceContent; keptAtMs: number }
    indexes: { keptAtMs: number }
  }
}

/** Raised whenever content of a former version would not be understood. */
const LAYOUT = 1
const MAX_SPACES = 30
/** Content that nothing was added to for so long goes: what was removed there since is not to stay on a device. */
const KEPT_FOR_MS = 30 * 24 * 3_600_000
/** Of each space the newest; the rest is a page away. */
const MAX_INTENTIONS = 200

export async function openIndexedDbVault(
  name: string,
  onLost: (why: string) => void,
  layout: number = LAYOUT,
): Promise<Vault> {
  const db = await openDB<Layout>(name, layout, {
    upgrade(db) {
      if (!db.objectStoreNames.contains('queue'))
        db.createObjectStore('queue', { keyPath: 'order', autoIncrement: true })
      if (db.objectStoreNames.contains('spaces')) db.deleteObjectStore('spaces')
      db.createObjectStore('spaces', { keyPath: 'id' }).createIndex('keptAtMs', 'keptAtMs')
    },
    blocking() {
      // Another page erases it, or brings a newer layout: holding on would block that page for good.
      db.close()
      onLost('Another page took over what is kept here.')
    },
    terminated: () => onLost('The browser closed what is kept here.'),
  })
  const old = IDBKeyRange.upperBound(Date.now() - KEPT_FOR_MS)
  for (const id of await db.getAllKeysFromIndex('spaces', 'keptAtMs', old)) await db.delete('spaces', id)
  return new IndexedDbVault(db)
}

export const eraseIndexedDbVault = (name: string): Promise<void> => deleteDB(name)

class IndexedDbVault implements Vault {
  readonly #db: IDBPDatabase<Layout>

  constructor(db: IDBPDatabase<Layout>) {
    this.#db = db
  }

  async mutations(): Promise<KeptMutation[]> {
    const kept = await this.#db.getAll('queue')
    // One of another version of this page that is not understood here stays for the next.
    return kept.flatMap(({ order, ...rest }) =>
      order !== undefined && checkValue(mutationCheck, rest.mutation).ok ? [{ ...rest, order }] : [],
    )
  }

  spaces(): Promise<SpaceId[]> {
    return this.#db.getAllKeys('spaces')
  }

  async space(id: SpaceId): Promise<KeptSpace | undefined> {
    // In one transaction: what has arrived is said of this content and no other.
    const tx = this.#db.transaction(['queue', 'spaces'])
    const [kept, queue] = await Promise.all([tx.objectStore('spaces').get(id), tx.objectStore('queue').getAll()])
    const arrived = queue.filter(({ hasArrived }) => hasArrived).map(({ mutation }) => mutation.id)
    return kept && { content: kept.content, arrived }
  }

  add(mutation: Omit<KeptMutation, 'order'>): Promise<number> {
    return this.#db.add('queue', mutation)
  }

  async write({ spaces, patches, removed }: VaultChange): Promise<void> {
    const tx = this.#db.transaction(['queue', 'spaces'], 'readwrite')
    const [queue, kept] = [tx.objectStore('queue'), tx.objectStore('spaces')]
    const work: Promise<unknown>[] = []
    for (const order of removed) work.push(queue.delete(order))
    for (const [order, patch] of patches) {
      if (removed.has(order)) continue
      work.push(
        queue.get(order).then((former) => (former === undefined ? undefined : queue.put({ ...former, ...patch }))),
      )
    }
    for (const [id, content] of spaces) {
      if (content === undefined) work.push(kept.delete(id))
      else
        work.push(
          kept.get(id).then((former) => {
            if (former !== undefined && isNewer(former.content, content)) return undefined
            return kept.put({ id, content: newest(content), keptAtMs: Date.now() })
          }),
        )
    }
    await Promise.all(work)
    if (spaces.size > 0) {
      const latest = await kept.index('keptAtMs').getAllKeys()
      for (const id of latest.slice(0, Math.max(0, latest.length - MAX_SPACES))) await kept.delete(id)
    }
    await tx.done
  }

  close(): void {
    this.#db.close()
  }
}

const isNewer = ({ position: a }: SpaceContent, { position: b }: SpaceContent): boolean =>
  a.epoch === b.epoch && a.version > b.version

const newest = (content: SpaceContent): SpaceContent =>
  content.intentions.length <= MAX_INTENTIONS
    ? content
    : { ...content, intentions: content.intentions.slice(-MAX_INTENTIONS), hasMore: true }
