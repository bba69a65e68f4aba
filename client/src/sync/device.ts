/**
 * What outlives the page (`keeping.ts`) and is shared with other pages (`shared-queue.ts`), in front of its code, which
 * is loaded when a page first asks for it: nothing that a page shows first needs it. What is asked meanwhile waits, and
 * what is told meanwhile is told then. Code that cannot be loaded is a store that cannot be opened: everything goes on
 * in memory, and that is said.
 */
import type { SpaceId } from '@rhizom/protocol'
import type { QueueEvent, QueueState } from '../core/queue-state.ts'
import type { SpaceContent } from '../core/space-content.ts'
import type { Environment } from '../runtime/environment.ts'
import type { KeptSpace } from '../runtime/vault.ts'
import { within } from '../runtime/within.ts'
import type { Keeping } from './keeping.ts'
import type { KeptDevice } from './kept-device.ts'
import { createListeners } from './listeners.ts'
import type { QueueSharing } from './mutation-queue.ts'

export interface Device {
  state(): Keeping
  onState(listener: () => void): () => void
  keepsSpace(id: SpaceId): boolean
  space(id: SpaceId): Promise<KeptSpace | undefined>
  noteSpace(id: SpaceId, content: SpaceContent | undefined): void
  /** The queue's end of it; `dispatch` is the queue. */
  share(dispatch: (event: QueueEvent) => void): QueueSharing
  /** The page is there, from when it connects or is back until it is left: others are told and heard. */
  attend(): void
  /** The page may end: what is to be kept is written. */
  flush(): void
  leave(): void
  close(): void
  /** Forgets all of this person here, and in the other pages. */
  erase(stop: () => void): Promise<void>
}

export interface DeviceDeps {
  environment: Pick<Environment, 'nowMs' | 'dateMs' | 'after' | 'random' | 'report' | 'shared'>
  /** Of the store, the lock and the channel. */
  name: string
}

/** So long its code may take. */
const LOAD_PATIENCE_MS = 10_000

export function createDevice({ environment, name }: DeviceDeps): Device {
  const listeners = createListeners<void>(environment, 'a listener to what is kept')
  const { shared: ports } = environment
  let state: Keeping = ports === undefined ? notKept('This page has no store on the device.') : { status: 'opening' }
  let loading: Promise<KeptDevice | undefined> | undefined
  let device: KeptDevice | undefined
  let dispatchToQueue = (_event: QueueEvent): void => undefined
  let isAttending = false
  let isStopped = false
  /** Told before there was anybody to tell. */
  const noted = new Map<SpaceId, SpaceContent | undefined>()
  let latest: QueueState | undefined

  function change(next: Keeping): void {
    state = next
    listeners.notify()
  }

  function load(): Promise<KeptDevice | undefined> {
    loading ??= open().catch((error: unknown) => {
      environment.report('nothing is kept on this device: its code could not be loaded', error)
      change(notKept('A part of this page could not be loaded.'))
      return undefined
    })
    return loading
  }

  async function open(): Promise<KeptDevice | undefined> {
    if (ports === undefined) return undefined
    const [{ openKeptDevice }, doors] = await within(environment, LOAD_PATIENCE_MS, () =>
      Promise.all([import('./kept-device.ts'), ports.open()]),
    )
    const opened = openKeptDevice({ environment, name, dispatch: dispatchToQueue, onState: change, ...doors })
    device = opened
    if (latest !== undefined) opened.queue.changed(latest, latest)
    for (const [id, content] of noted) opened.keeper.noteSpace(id, content)
    noted.clear()
    if (isStopped) opened.queue.stop()
    else if (isAttending) opened.queue.attend()
    return opened
  }

  const sharing: QueueSharing = {
    keep: async (entry) => (await load())?.queue.keep(entry),
    changed(next, before) {
      latest = next
      device?.queue.changed(next, before)
    },
    settled: (entry, outcome) => device?.queue.settled(entry, outcome),
    stop() {
      isStopped = true
      noted.clear()
      device?.queue.stop()
    },
  }

  function leave(): void {
    isAttending = false
    device?.queue.leave()
  }

  return {
    state: () => state,
    onState: listeners.add,
    keepsSpace: (id) => device?.keeper.keepsSpace(id) ?? noted.get(id) !== undefined,
    space: async (id) => (await load())?.keeper.space(id),
    noteSpace(id, content) {
      if (device !== undefined) device.keeper.noteSpace(id, content)
      else if (ports !== undefined) noted.set(id, content)
    },
    share(dispatch) {
      dispatchToQueue = dispatch
      return sharing
    },
    attend() {
      isAttending = true
      if (device === undefined) void load()
      else device.queue.attend()
    },
    flush: () => device?.keeper.flush(),
    leave,
    close() {
      leave()
      device?.keeper.close()
    },
    async erase(stop) {
      device?.queue.tellErased()
      stop()
      await (await load())?.keeper.erase()
      // The lock is kept until then, so that no other page begins to send what is being erased.
      leave()
    },
  }
}

const notKept = (why: string): Keeping => ({ status: 'not-kept', why })
