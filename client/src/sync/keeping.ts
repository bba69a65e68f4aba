/**
 * Keeps on the device what must outlive the page. Writes are gathered for a moment and go in one transaction; what is
 * asked for is kept at once, since nothing leaves before. Whatever the store does (refuses, fills up, hangs, is taken
 * away), the client goes on in memory, and says so.
 */
import type { SpaceId } from '@rhizom/protocol'
import type { SpaceContent } from '../core/space-content.ts'
import type { Environment } from '../runtime/environment.ts'
import type { KeptMutation, KeptSpace, MutationPatch, Vault, VaultChange, VaultDoor } from '../runtime/vault.ts'
import { TookTooLong, within } from '../runtime/within.ts'
import { createListeners } from './listeners.ts'

export type Keeping =
  | { status: 'opening' }
  /** What is written and what is shown outlives the page. */
  | { status: 'kept' }
  /** It lives as long as the page; `why` is for a person. */
  | { status: 'not-kept'; why: string }

export interface Keeper {
  state(): Keeping
  onState(listener: () => void): () => void
  /** Resolves when it is known whether anything is kept. */
  whenOpen(): Promise<void>
  mutations(): Promise<KeptMutation[]>
  /** undefined if nothing can be kept. */
  add(mutation: Omit<KeptMutation, 'order'>): Promise<number | undefined>
  patch(order: number, patch: MutationPatch): void
  remove(order: number): void
  /** Whether content of the space is kept, as far as is known. */
  keepsSpace(id: SpaceId): boolean
  /** What is kept of a space. */
  space(id: SpaceId): Promise<KeptSpace | undefined>
  /** The confirmed content is another. */
  noteSpace(id: SpaceId, content: SpaceContent | undefined): void
  flush(): void
  close(): void
  /** Forgets all that is kept of this person here. */
  erase(): Promise<void>
}

export interface KeeperDeps {
  environment: Pick<Environment, 'after' | 'report'>
  door: VaultDoor
  name: string
}

const GATHER_MS = 300
/** A store that takes longer hangs: some browsers never answer after they were asleep. */
const PATIENCE_MS = 5_000

export function createKeeper({ environment, door, name }: KeeperDeps): Keeper {
  const listeners = createListeners<void>(environment, 'a listener to what is kept')
  let state: Keeping = { status: 'opening' }
  let vault: Vault | undefined
  let spaces = new Map<SpaceId, SpaceContent | undefined>()
  let patches = new Map<number, MutationPatch>()
  let removed = new Set<number>()
  const known = new Set<SpaceId>()
  let cancelFlush: (() => void) | undefined
  let isClosed = false

  function change(next: Keeping): void {
    state = next
    listeners.notify()
  }

  function lose(why: string, cause?: unknown): void {
    if (state.status === 'not-kept') return
    if (cause !== undefined) environment.report(`nothing is kept on this device any more: ${why}`, cause)
    vault?.close()
    vault = undefined
    change(notKept(why))
  }

  async function open(): Promise<void> {
    try {
      const opened = await within(environment, PATIENCE_MS, () => door.open(name, lose))
      // It came too late, or was taken away at once.
      if (isClosed || state.status !== 'opening') return opened.close()
      vault = opened
      for (const id of await within(environment, PATIENCE_MS, () => opened.spaces())) known.add(id)
      if (state.status === 'opening') change({ status: 'kept' })
    } catch (error) {
      lose(reasonOf(error))
    }
  }

  /** Undefined where it does not work out; a store that fails is given up. */
  async function attempt<T>(run: (vault: Vault) => Promise<T>): Promise<T | undefined> {
    await whenOpen()
    const open = vault
    if (open === undefined) return undefined
    try {
      return await within(environment, PATIENCE_MS, () => run(open))
    } catch (error) {
      if (!isClosed) lose(reasonOf(error), error)
      return undefined
    }
  }

  function gather(): void {
    if (state.status === 'not-kept' || isClosed) return
    cancelFlush ??= environment.after(GATHER_MS, flush)
  }

  function flush(): void {
    cancelFlush?.()
    cancelFlush = undefined
    const change: VaultChange = { spaces, patches, removed }
    if (spaces.size + patches.size + removed.size === 0) return
    spaces = new Map()
    patches = new Map()
    removed = new Set()
    void attempt((open) => writeOrShed(open, change))
  }

  /** A full store is worth more to what was written than to what the server has. */
  async function writeOrShed(open: Vault, change: VaultChange): Promise<void> {
    try {
      await open.write(change)
    } catch (error) {
      if (!isFull(error) || change.spaces.size === 0) throw error
      await open.write({ ...change, spaces: new Map([...change.spaces.keys()].map((id) => [id, undefined])) })
    }
  }

  let opening: Promise<void> | undefined
  /** Not before it is needed: a page may make a client and never use it. */
  function whenOpen(): Promise<void> {
    opening ??= open()
    return opening
  }

  return {
    state: () => state,
    onState: listeners.add,
    whenOpen,
    mutations: async () => (await attempt((open) => open.mutations())) ?? [],
    add(mutation) {
      // What it was written upon is kept before it.
      flush()
      return attempt((open) => open.add(mutation))
    },
    patch(order, patch) {
      patches.set(order, { ...patches.get(order), ...patch })
      gather()
    },
    remove(order) {
      removed.add(order)
      gather()
    },
    keepsSpace: (id) => known.has(id),
    space: (id) => attempt((open) => open.space(id)),
    noteSpace(id, content) {
      if (content === undefined) known.delete(id)
      else known.add(id)
      spaces.set(id, content)
      gather()
    },
    flush,
    close() {
      flush()
      isClosed = true
      // After the write that was begun: a store that is closed finishes its transactions.
      void opening?.then(() => {
        vault?.close()
        vault = undefined
      })
    },
    async erase() {
      isClosed = true
      cancelFlush?.()
      await opening
      vault?.close()
      vault = undefined
      await within(environment, PATIENCE_MS, () => door.erase(name)).catch((error: unknown) =>
        environment.report('what is kept could not be erased', error),
      )
    },
  }
}

const notKept = (why: string): Keeping => ({ status: 'not-kept', why })
const isFull = (error: unknown): boolean => error instanceof Error && error.name === 'QuotaExceededError'

function reasonOf(error: unknown): string {
  if (error instanceof TookTooLong) return 'The store of this browser does not answer.'
  if (isFull(error)) return 'There is no room left on this device.'
  if (error instanceof Error && error.name === 'VersionError') return 'A newer version of this page is open: reload it.'
  return 'This browser lets the page keep nothing.'
}
