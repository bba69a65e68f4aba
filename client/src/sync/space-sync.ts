/**
 * Keeps every watched space in the Query cache in step with the gateway. The cache is the one store: the state of a
 * space is read from it, stepped by `core/space-state.ts` and written back, and there is no other copy. Watching is
 * counted, so that ten components that show a space cost one subscription; the last to leave keeps it for a while,
 * because people go back.
 */
import { type ClientFrameInput, LIMITS, type ServerFrame, type SnapshotFrame, type SpaceId } from '@rhizom/protocol'
import { notifyManager, type QueryClient } from '@tanstack/react-query'
import {
  initialSpace,
  spaceDeadlineOf,
  type SpaceEffect,
  type SpaceEvent,
  type SpaceState,
  stepSpace,
} from '../core/space-state.ts'
import type { Environment } from '../runtime/environment.ts'
import type { Http } from '../runtime/http.ts'

/** How long a space nobody watches any more stays subscribed. */
const LINGER_MS = 30_000

/** Where the state of a space is kept. */
export const spaceKey = (id: SpaceId): readonly ['space', SpaceId] => ['space', id]

const spaceIn = (key: unknown): SpaceId | null =>
  Array.isArray(key) && key[0] === 'space' && typeof key[1] === 'string' ? key[1] : null

interface Watch {
  count: number
  cancelLinger: (() => void) | null
  armed: { deadlineMs: number; cancel: () => void } | null
}

export interface SpaceSync {
  watch(id: SpaceId): () => void
  tell(id: SpaceId, event: SpaceEvent): void
  wentLive(): void
  wentDown(): void
  hear(frames: readonly ServerFrame[]): void
  /** Calls when the cache was emptied and what is watched was put back. */
  onRestored(listener: () => void): () => void
  stop(): void
}

export interface SpaceSyncParts {
  environment: Environment
  queryClient: QueryClient
  http: Pick<Http, 'olderIntentions'>
  isLive(): boolean
  send(frames: readonly ClientFrameInput[]): void
}

export function createSpaceSync({ environment, queryClient, http, isLive, send }: SpaceSyncParts): SpaceSync {
  const watches = new Map<SpaceId, Watch>()
  const restoredListeners = new Set<() => void>()
  // Nothing of a space is ever stale, fetched or collected by the cache itself: the engine alone decides.
  queryClient.setQueryDefaults(['space'], { staleTime: Infinity, gcTime: Infinity, structuralSharing: false })

  const read = (id: SpaceId): SpaceState => queryClient.getQueryData<SpaceState>(spaceKey(id)) ?? initialSpace(id)

  /** Steps one space; the frames it wants sent are returned, so that many spaces can share a message. */
  function advance(id: SpaceId, event: SpaceEvent): ClientFrameInput[] {
    const watch = watches.get(id)
    if (watch === undefined) return []
    const before = read(id)
    const at = { nowMs: environment.nowMs(), random: environment.random() }
    const { state, effects } = stepSpace(before, event, at)
    if (state !== before || queryClient.getQueryData(spaceKey(id)) === undefined)
      queryClient.setQueryData<SpaceState>(spaceKey(id), state)
    armTimer(id, watch, state)
    return effects.flatMap((effect) => perform(id, effect))
  }

  const tell = (id: SpaceId, event: SpaceEvent): void => send(advance(id, event))

  function perform(id: SpaceId, effect: SpaceEffect): ClientFrameInput[] {
    switch (effect.type) {
      case 'subscribe': {
        const { position } = effect
        return [
          position === null
            ? { type: 'subscribe', space: id }
            : { type: 'subscribe', space: id, epoch: position.epoch, after: position.version },
        ]
      }
      case 'fetchOlder':
        void fetchOlder(id, effect.before)
        return []
      default:
        return effect satisfies never
    }
  }

  async function fetchOlder(id: SpaceId, before: string | null): Promise<void> {
    const result = await http.olderIntentions(id, before ?? undefined)
    if (result.ok) tell(id, { type: 'olderReceived', before, page: result.value })
    else tell(id, { type: 'olderFailed', before, message: result.problem.message })
  }

  function armTimer(id: SpaceId, watch: Watch, state: SpaceState): void {
    const deadlineMs = spaceDeadlineOf(state)
    if (watch.armed?.deadlineMs === deadlineMs) return
    watch.armed?.cancel()
    watch.armed = null
    if (deadlineMs === null) return
    const cancel = environment.setTimer(deadlineMs - environment.nowMs(), () => {
      watch.armed = null
      tell(id, { type: 'timePassed' })
    })
    watch.armed = { deadlineMs, cancel }
  }

  function watch(id: SpaceId): () => void {
    const known = watches.get(id)
    if (known !== undefined) {
      known.count += 1
      known.cancelLinger?.()
      known.cancelLinger = null
    } else begin(id)
    let released = false
    return () => {
      if (released) return
      released = true
      release(id)
    }
  }

  function begin(id: SpaceId): void {
    if (watches.size >= LIMITS.maxSubscriptionsPerConnection) dropOneLingering()
    const room = watches.size < LIMITS.maxSubscriptionsPerConnection
    watches.set(id, { count: 1, cancelLinger: null, armed: null })
    if (!room) {
      const message = `No more than ${LIMITS.maxSubscriptionsPerConnection} spaces can be watched at once.`
      queryClient.setQueryData<SpaceState>(spaceKey(id), {
        ...initialSpace(id),
        feed: { status: 'closed', code: 'too-many', message },
      })
      return
    }
    tell(id, { type: isLive() ? 'connected' : 'disconnected' })
  }

  function release(id: SpaceId): void {
    const watch = watches.get(id)
    if (watch === undefined) return
    watch.count -= 1
    if (watch.count > 0) return
    watch.cancelLinger = environment.setTimer(LINGER_MS, () => end(id, watch))
  }

  function dropOneLingering(): void {
    for (const [id, watch] of watches) if (watch.cancelLinger !== null) return end(id, watch)
  }

  function end(id: SpaceId, watch: Watch): void {
    watch.cancelLinger?.()
    watch.armed?.cancel()
    watches.delete(id)
    send([{ type: 'unsubscribe', space: id }])
    queryClient.removeQueries({ queryKey: spaceKey(id), exact: true })
  }

  const tellAll = (event: SpaceEvent): void =>
    notifyManager.batch(() => send([...watches.keys()].flatMap((id) => advance(id, event))))

  function hearOne(frame: ServerFrame): void {
    switch (frame.type) {
      case 'snapshot':
        return tell(frame.space, { type: 'snapshotReceived', snapshot: snapshotOf(frame) })
      case 'resumed':
        return tell(frame.space, { type: 'resumedReceived', frame })
      case 'changes':
        return tell(frame.space, { type: 'changesReceived', frame })
      case 'unsubscribed':
        return tell(frame.space, { type: 'unsubscribed', code: frame.code, message: frame.message })
      case 'error': {
        const { space, code, message, retryAfterMs } = frame
        if (space !== undefined) tell(space, { type: 'askFailed', code, message, retryAfterMs: retryAfterMs ?? null })
        return
      }
      case 'heartbeat':
        for (const [id, version] of Object.entries(frame.heads)) tell(id, { type: 'headHeard', version })
        return
      // The connection's own affairs, and those of who is here.
      case 'welcome':
      case 'goodbye':
      case 'pong':
      case 'presence':
      case 'signal':
        return
      default:
        return frame satisfies never
    }
  }

  // An emptied cache (`queryClient.clear()`) takes the state with it: what is watched begins anew, from a snapshot.
  const stopListening = queryClient.getQueryCache().subscribe(({ type, query }) => {
    const id = spaceIn(query.queryKey)
    if (type !== 'removed' || id === null || !watches.has(id)) return
    queueMicrotask(() => {
      if (!watches.has(id) || queryClient.getQueryData(spaceKey(id)) !== undefined) return
      tell(id, { type: isLive() ? 'connected' : 'disconnected' })
      for (const listener of restoredListeners) listener()
    })
  })

  return {
    watch,
    tell,
    wentLive: () => tellAll({ type: 'connected' }),
    wentDown: () => tellAll({ type: 'disconnected' }),
    hear: (frames) => notifyManager.batch(() => frames.forEach(hearOne)),
    onRestored(listener) {
      restoredListeners.add(listener)
      return () => void restoredListeners.delete(listener)
    },
    stop() {
      stopListening()
      for (const watch of watches.values()) {
        watch.cancelLinger?.()
        watch.armed?.cancel()
      }
      watches.clear()
    },
  }
}

/** A snapshot frame as the snapshot it carries: there `space` is the id, here the space itself. */
const snapshotOf = ({ entity, epoch, version, beings, beingCount, intentions, hasMore, members }: SnapshotFrame) => ({
  space: entity,
  epoch,
  version,
  beings,
  beingCount,
  intentions,
  hasMore,
  members,
})
