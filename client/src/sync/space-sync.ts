/**
 * Keeps every watched space in the Query cache in step with the gateway. The cache is the one store: the state of a
 * space is read from it, stepped by `core/space-state.ts` and written back, and there is no other copy. Watching is
 * counted, so that ten components that show a space cost one subscription; the last to leave keeps it for a while,
 * because people go back.
 */
import { momentOf } from '@rhizom/machine'
import { type ClientFrameInput, LIMITS, type ServerFrame, type SpaceId } from '@rhizom/protocol'
import { notifyManager, type QueryClient } from '@tanstack/react-query'
import type { OwnWord } from '../core/self-presence.ts'
import type { SpaceEffect, SpaceEvent } from '../core/space-event.ts'
import { spaceEventsOf } from '../core/space-frame.ts'
import { initialSpace, spaceDeadlineOf, type SpaceState, stepSpace } from '../core/space-state.ts'
import type { Environment } from '../runtime/environment.ts'
import type { Http } from '../runtime/http.ts'
import { type Signal, signalOf } from './signals.ts'

/** How long a space nobody watches any more stays subscribed. */
const LINGER_MS = 30_000
/** How long one still counts as here after the last who said so has left: a page that is built anew is no leave. */
const LEAVE_AFTER_MS = 1_000

/** Where the state of a space is kept. */
export const spaceKey = (id: SpaceId): readonly ['space', SpaceId] => ['space', id]

const spaceIn = (key: unknown): SpaceId | null =>
  Array.isArray(key) && key[0] === 'space' && typeof key[1] === 'string' ? key[1] : null

export interface WatchOptions {
  /** Whether oneself is here in the space while watching, for others to see. */
  present?: boolean
}

interface Watch {
  count: number
  /** How many of them are here, and the time left to the last who was. */
  presentCount: number
  cancelLeaving: (() => void) | null
  /** Whether the gateway was last told that one is here. */
  toldPresent: boolean
  cancelLinger: (() => void) | null
  armed: { deadlineMs: number; cancel: () => void } | null
}

export interface SpaceSync {
  /** Present unless told otherwise. One is here while at least one of those who watch is. */
  watch(id: SpaceId, options?: WatchOptions): () => void
  tell(id: SpaceId, event: SpaceEvent): void
  wentLive(): void
  wentDown(): void
  hear(frames: readonly ServerFrame[]): void
  /** Whether what is said in the space now is heard: its subscription stands. */
  isCurrent(id: SpaceId): boolean
  /** Whether the gateway counts oneself as here. */
  isHere(id: SpaceId): boolean
  /** The state one has set in a space is another. */
  showSelf(id: SpaceId): void
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
  onSignal?(space: SpaceId, signal: Signal): void
  /** A subscription was answered: frames that want to be said with it. */
  onAnswered?(space: SpaceId): ClientFrameInput[]
  /** A space is watched no more. */
  onEnded?(space: SpaceId): void
  /** Who one is, and the state one has set in a space. */
  ownWord?(space: SpaceId): OwnWord
}

export function createSpaceSync(parts: SpaceSyncParts): SpaceSync {
  const { environment, queryClient, http, isLive, send } = parts
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
    const at = momentOf(environment, () => environment.random())
    const { state, effects } = stepSpace(before, event, at)
    if (state !== before || queryClient.getQueryData(spaceKey(id)) === undefined)
      queryClient.setQueryData<SpaceState>(spaceKey(id), state)
    armTimer(id, watch, state)
    const frames = effects.flatMap((effect) => perform(id, watch, effect))
    const isAnswer = event.type === 'snapshotReceived' || event.type === 'resumedReceived'
    return isAnswer && state.feed.status === 'current' ? [...frames, ...(parts.onAnswered?.(id) ?? [])] : frames
  }

  const tell = (id: SpaceId, event: SpaceEvent): void => send(advance(id, event))

  function perform(id: SpaceId, watch: Watch, effect: SpaceEffect): ClientFrameInput[] {
    switch (effect.type) {
      case 'subscribe': {
        const { position } = effect
        const present = wantsPresent(watch)
        watch.toldPresent = present
        return [
          position === null
            ? { type: 'subscribe', space: id, present }
            : { type: 'subscribe', space: id, epoch: position.epoch, after: position.version, present },
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
    const cancel = environment.after(deadlineMs - environment.nowMs(), () => {
      watch.armed = null
      tell(id, { type: 'timePassed' })
    })
    watch.armed = { deadlineMs, cancel }
  }

  const wantsPresent = (watch: Watch): boolean => watch.presentCount > 0 || watch.cancelLeaving !== null

  function showSelf(id: SpaceId): void {
    const watch = watches.get(id)
    if (watch === undefined) return
    const self = wantsPresent(watch) ? (parts.ownWord?.(id) ?? null) : null
    if (self !== null || read(id).self !== null) tell(id, { type: 'selfChanged', self })
  }

  /** Subscribes anew, from the held position, if whether one is here is not what the gateway was told. */
  function settleWish(id: SpaceId, watch: Watch): void {
    showSelf(id)
    if (wantsPresent(watch) !== watch.toldPresent) tell(id, { type: 'wishChanged' })
  }

  function watch(id: SpaceId, { present = true }: WatchOptions = {}): () => void {
    const known = watches.get(id)
    if (known !== undefined) {
      known.count += 1
      known.cancelLinger?.()
      known.cancelLinger = null
      if (present) {
        known.presentCount += 1
        known.cancelLeaving?.()
        known.cancelLeaving = null
        settleWish(id, known)
      }
    } else begin(id, present)
    let released = false
    return () => {
      if (released) return
      released = true
      release(id, present)
    }
  }

  function begin(id: SpaceId, present: boolean): void {
    if (watches.size >= LIMITS.maxSubscriptionsPerConnection) dropOneLingering()
    const room = watches.size < LIMITS.maxSubscriptionsPerConnection
    watches.set(id, {
      count: 1,
      presentCount: present ? 1 : 0,
      cancelLeaving: null,
      toldPresent: present,
      cancelLinger: null,
      armed: null,
    })
    if (!room) {
      const message = `No more than ${LIMITS.maxSubscriptionsPerConnection} spaces can be watched at once.`
      queryClient.setQueryData<SpaceState>(spaceKey(id), {
        ...initialSpace(id),
        feed: { status: 'closed', code: 'too-many', message },
      })
      return
    }
    tell(id, { type: isLive() ? 'connected' : 'disconnected' })
    showSelf(id)
  }

  function release(id: SpaceId, present: boolean): void {
    const watch = watches.get(id)
    if (watch === undefined) return
    if (present) {
      watch.presentCount -= 1
      if (watch.presentCount === 0)
        watch.cancelLeaving = environment.after(LEAVE_AFTER_MS, () => {
          watch.cancelLeaving = null
          settleWish(id, watch)
        })
    }
    watch.count -= 1
    if (watch.count > 0) return
    watch.cancelLinger = environment.after(LINGER_MS, () => end(id, watch))
  }

  function dropOneLingering(): void {
    for (const [id, watch] of watches) if (watch.cancelLinger !== null) return end(id, watch)
  }

  function cancelTimers(watch: Watch): void {
    watch.cancelLinger?.()
    watch.cancelLeaving?.()
    watch.armed?.cancel()
  }

  function end(id: SpaceId, watch: Watch): void {
    cancelTimers(watch)
    watches.delete(id)
    parts.onEnded?.(id)
    send([{ type: 'unsubscribe', space: id }])
    queryClient.removeQueries({ queryKey: spaceKey(id), exact: true })
  }

  const tellAll = (event: SpaceEvent): void =>
    notifyManager.batch(() => send([...watches.keys()].flatMap((id) => advance(id, event))))

  function hearOne(frame: ServerFrame): void {
    for (const { space, event } of spaceEventsOf(frame)) tell(space, event)
    if (frame.type === 'signal' && watches.has(frame.space)) parts.onSignal?.(frame.space, signalOf(frame))
  }

  // An emptied cache (`queryClient.clear()`) takes the state with it: what is watched begins anew, from a snapshot.
  const stopListening = queryClient.getQueryCache().subscribe(({ type, query }) => {
    const id = spaceIn(query.queryKey)
    if (type !== 'removed' || id === null || !watches.has(id)) return
    queueMicrotask(() => {
      if (!watches.has(id) || queryClient.getQueryData(spaceKey(id)) !== undefined) return
      tell(id, { type: isLive() ? 'connected' : 'disconnected' })
      showSelf(id)
      for (const listener of restoredListeners) listener()
    })
  })

  return {
    watch,
    tell,
    showSelf,
    isCurrent: (id) => read(id).feed.status === 'current',
    isHere: (id) => watches.get(id)?.toldPresent === true && read(id).feed.status === 'current',
    wentLive: () => tellAll({ type: 'connected' }),
    wentDown: () => tellAll({ type: 'disconnected' }),
    hear: (frames) => notifyManager.batch(() => frames.forEach(hearOne)),
    onRestored(listener) {
      restoredListeners.add(listener)
      return () => void restoredListeners.delete(listener)
    },
    stop() {
      stopListening()
      for (const watch of watches.values()) cancelTimers(watch)
      watches.clear()
    },
  }
}
