/**
 * The status of the connection and of each space, as they are told to a page: kept as the same object for as long as
 * nothing of it changed, with times by the date, and once more as it is to be shown (`core/shown-status.ts`).
 */
import { Runner } from '@rhizom/machine'
import type { SpaceId } from '@rhizom/protocol'
import { type ShownStatus, shownStatusMachine, type StatusEvent } from '../core/shown-status.ts'
import type { IncomingFrame } from '../core/incoming.ts'
import type { SpaceState } from '../core/space-state.ts'
import { dated, spaceStatusOf, type SyncStatus, syncStatusOf } from '../core/sync-status.ts'
import type { Environment } from '../runtime/environment.ts'
import type { Connector } from './connector.ts'
import { createListeners } from './listeners.ts'
import type { MutationQueue } from './mutation-queue.ts'

/** What of it is part of the client. */
export interface ClientStatus {
  /** How it stands with the connection, this moment. */
  syncStatus(): SyncStatus
  /** How it stands with one space: never better than with the connection. */
  spaceStatus(id: SpaceId): SyncStatus
  /** Told of both. */
  onSyncStatus(listener: () => void): () => void
  /** The status of the connection as it is to be shown: what lasts less than a second is left out. */
  shownStatus(): SyncStatus
  onShownStatus(listener: () => void): () => void
  /** Told when a gateway says that it gets no answer from the api, where what is written goes: a doubt, no more. */
  onApiDoubted(listener: () => void): () => void
}

export interface Status {
  ofClient: ClientStatus
  receive(frames: readonly IncomingFrame[]): void
  /** Something that a status follows from may be another. */
  changed(): void
  spaceChanged(): void
  stop(): void
}

export interface StatusDeps {
  environment: Environment
  connector: Pick<Connector, 'state' | 'transport'>
  queue: Pick<MutationQueue, 'pending' | 'onPending'>
  space(id: SpaceId): SpaceState
}

/** A status of machine times, and with times by the date of when it was made, since that may be set at any time. */
interface Told {
  exact: SyncStatus
  told: SyncStatus
}

export function createStatus({ environment, connector, queue, space }: StatusDeps): Status {
  const listeners = createListeners<void>(environment, 'a listener to the status')
  const shownListeners = createListeners<void>(environment, 'a listener to the shown status')
  const doubtListeners = createListeners<void>(environment, 'a listener to doubts of the api')
  const ofSpaces = new Map<SpaceId, Told>()

  const exactly = (): SyncStatus =>
    syncStatusOf(connector.state(), connector.transport(), environment.isOnline(), queue.pending().length)
  const tell = (exact: SyncStatus): Told => ({
    exact,
    told: dated(exact, { nowMs: environment.nowMs(), dateMs: environment.dateMs() }),
  })
  let all = tell(exactly())

  const shown = new Runner<ShownStatus, StatusEvent, never>({
    machine: shownStatusMachine,
    initial: { status: 'settled', shown: all.told },
    clock: environment,
    random: () => environment.random(),
    carryOut: () => undefined,
    faulted: (error) => environment.report('a step of the shown status failed', error),
    changed(state, before) {
      if (state.shown !== before.shown) shownListeners.notify()
    },
  })

  function changed(): void {
    const exact = exactly()
    // Heartbeats alter the machine's state but not what a person is told.
    if (isSame(exact, all.exact)) return
    all = tell(exact)
    shown.dispatch({ type: 'statusChanged', actual: all.told })
    listeners.notify()
  }

  const stopPending = queue.onPending(() => {
    const before = all
    changed()
    // The sum may be as it was, and that of two spaces another.
    if (all === before) listeners.notify()
  })

  function ofSpace(id: SpaceId): SyncStatus {
    const pendingCount = queue.pending().filter(({ mutation }) => mutation.space === id).length
    const exact = spaceStatusOf(all.exact, space(id), pendingCount)
    const known = ofSpaces.get(id)
    const told = known !== undefined && isSame(known.exact, exact) ? known : tell(exact)
    ofSpaces.set(id, told)
    return told.told
  }

  return {
    ofClient: {
      syncStatus: () => all.told,
      spaceStatus: ofSpace,
      onSyncStatus: listeners.add,
      shownStatus: () => shown.state.shown,
      onShownStatus: shownListeners.add,
      onApiDoubted: doubtListeners.add,
    },
    receive(frames) {
      if (frames.some((frame) => frame.type === 'heartbeat' && frame.apiAway)) doubtListeners.notify()
    },
    changed,
    spaceChanged: () => listeners.notify(),
    stop() {
      stopPending()
      shown.stop()
    },
  }
}

const isSame = (one: SyncStatus, other: SyncStatus): boolean => JSON.stringify(one) === JSON.stringify(other)
