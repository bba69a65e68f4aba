/**
 * Runs the machines of all watched spaces: for each one that counts who watches (`core/watch.ts`) and one that keeps
 * the space in step with the gateway (`core/space.ts`), whose state is in the store. Frames that many spaces want sent
 * at one moment share a message.
 */
import { Runner } from '@rhizom/machine'
import {
  checkValue,
  type Being,
  type ClientFrameInput,
  type IntentionId,
  type JsonObject,
  LIMITS,
  type MutationId,
  type Position,
  type SpaceId,
  spaceIdCheck,
} from '@rhizom/protocol'
import { frameEventsOf } from '../core/frame-events.ts'
import type { IncomingFrame } from '../core/incoming.ts'
import type { QueueEntry } from '../core/queue-state.ts'
import { initialSpace, type SpaceEvent, type SpaceState } from '../core/space-state.ts'
import {
  initialShownSpace,
  type ShownSpace,
  type ShownSpaceEffect,
  type ShownSpaceEvent,
  shownSpaceMachine,
} from '../core/space-view.ts'
import { isUnanswered } from '../core/subscription.ts'
import { unwatched, type Watch, type WatchEffect, type WatchEvent, watchMachine } from '../core/watch.ts'
import type { Environment } from '../runtime/environment.ts'
import type { Http } from '../runtime/http.ts'
import type { Keeper } from './keeping.ts'
import type { SpaceStore } from './store.ts'

export interface WatchOptions {
  /** Whether oneself is here in the space while watching, for others to see. */
  present?: boolean
}

export interface SpaceSync {
  /** Present unless told otherwise. One is here while at least one of those who watch is. */
  watch(id: SpaceId, options?: WatchOptions): () => void
  dispatch(id: SpaceId, event: SpaceEvent): void
  /** Sets what others see of oneself; of a space that is not watched yet, for when it is. */
  setState(id: SpaceId, state: JsonObject): void
  wentLive(): void
  /** Everything is asked for over another connection, while the former one goes on. */
  move(): void
  /** Whether no answer to `subscribe` is awaited. */
  isAnswered(): boolean
  wentDown(): void
  receive(frames: readonly IncomingFrame[]): void
  isWatched(id: SpaceId): boolean
  /** Whether what is said in the space now is received: its subscription stands. */
  isCurrent(id: SpaceId): boolean
  /** What is pending in a space is another. */
  pendingChanged(id: SpaceId): void
  /** Lets go of everything, also of what the store holds of it. */
  stop(): void
}

/** What is pending in spaces: the queue of mutations, as far as a space looks at it. */
export interface SpaceQueue {
  entriesOf(space: SpaceId): readonly QueueEntry[]
  confirm(ids: readonly MutationId[]): void
}

export type SpaceKeeper = Pick<Keeper, 'state' | 'space' | 'noteSpace'>

export interface SpaceSyncDeps {
  environment: Environment
  store: SpaceStore
  http: Pick<Http, 'olderIntentions'>
  /** Oneself. */
  self: Being
  queue: SpaceQueue
  /** What a former page kept of spaces; undefined where nothing is kept. */
  kept?: SpaceKeeper | undefined
  /** How a space stands with the gateway is another. */
  onSubscription?: () => void
  isLive(): boolean
  send(frames: readonly ClientFrameInput[]): void
}

/** So long what is kept may take; a store that hangs holds nobody up. */
const KEPT_PATIENCE_MS = 1_000

type WatchRunner = Runner<Watch, WatchEvent, WatchEffect>
type SpaceRunner = Runner<ShownSpace, ShownSpaceEvent, ShownSpaceEffect>

export function createSpaceSync({
  environment,
  store,
  http,
  self,
  queue,
  kept,
  onSubscription,
  isLive,
  send,
}: SpaceSyncDeps): SpaceSync {
  const being = self.id
  const watches = new Map<SpaceId, WatchRunner>()
  const spaces = new Map<SpaceId, SpaceRunner>()
  /** States set before the space was watched. */
  const earlyStates = new Map<SpaceId, JsonObject>()
  /** What is kept of them is being looked for: they ask the server when that is known. */
  const reading = new Set<SpaceRunner>()
  let outbox: ClientFrameInput[] | undefined

  const ports = {
    clock: environment,
    random: () => environment.random(),
    faulted: (error: unknown) => environment.report('a step of a space failed', error),
  }

  /** What is written meanwhile is shown together, and frames leave in one message. */
  function together(run: () => void): void {
    if (outbox !== undefined) return run()
    const frames: ClientFrameInput[] = []
    outbox = frames
    try {
      store.batch(run)
    } finally {
      outbox = undefined
      send(frames)
    }
  }

  function post(frame: ClientFrameInput): void {
    if (outbox === undefined) send([frame])
    else outbox.push(frame)
  }

  const dispatch = (id: SpaceId, event: ShownSpaceEvent): void => together(() => spaces.get(id)?.dispatch(event))
  const dispatchToAll = (event: SpaceEvent): void =>
    together(() => {
      for (const runner of spaces.values()) if (!reading.has(runner)) runner.dispatch(event)
    })
  const connection = (): SpaceEvent => ({ type: isLive() ? 'connected' : 'disconnected' })

  function watch(id: SpaceId, { present = true }: WatchOptions = {}): () => void {
    const runner = watches.get(id) ?? newWatch(id)
    together(() => runner.dispatch({ type: 'watchBegan', present }))
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      together(() => runner.dispatch({ type: 'watchEnded', present }))
    }
  }

  function newWatch(id: SpaceId): WatchRunner {
    const runner: WatchRunner = new Runner({
      ...ports,
      machine: watchMachine,
      initial: unwatched,
      carryOut: (effect) => carryOutWatch(id, effect),
      changed: () => undefined,
    })
    watches.set(id, runner)
    return runner
  }

  function carryOutWatch(id: SpaceId, effect: WatchEffect): void {
    switch (effect.type) {
      case 'begin':
        return begin(id, effect.present)
      case 'changePresent':
        return dispatch(id, { type: 'presentChanged', being: effect.present ? being : undefined })
      case 'end':
        return end(id)
      default:
        return effect satisfies never
    }
  }

  function begin(id: SpaceId, present: boolean): void {
    makeRoom()
    const hasRoom = spaces.size < LIMITS.maxSubscriptionsPerConnection
    // Content that came with a page which a server drew: shown, and asked for from its position.
    const content = store.read(id)?.content
    const runner: SpaceRunner = new Runner({
      ...ports,
      machine: shownSpaceMachine,
      initial: initialShownSpace(id, self, hasRoom ? { ...initialSpace(id), content } : refusedSpace(id)),
      carryOut: (effect) => carryOut(id, effect),
      changed(state, before) {
        keep(id, state, before)
        if (state.view !== before.view) store.write(id, state.view)
        if (state.confirmed.subscription !== before.confirmed.subscription) onSubscription?.()
      },
    })
    spaces.set(id, runner)
    store.write(id, runner.state.view)
    runner.dispatch({ type: 'pendingChanged', entries: queue.entriesOf(id) })
    if (present) runner.dispatch({ type: 'presentChanged', being })
    const state = earlyStates.get(id)
    earlyStates.delete(id)
    if (state !== undefined) runner.dispatch({ type: 'stateSet', state })
    if (kept === undefined || kept.state().status === 'not-kept') runner.dispatch(connection())
    else void findKept(id, runner, kept)
  }

  /** Shows what is kept, and asks the server from there; without it, before long, for all. */
  async function findKept(id: SpaceId, runner: SpaceRunner, { space }: SpaceKeeper): Promise<void> {
    reading.add(runner)
    let cancel = (): void => undefined
    const late = new Promise<undefined>((resolve) => {
      cancel = environment.after(KEPT_PATIENCE_MS, () => resolve(undefined))
    })
    const found = await Promise.race([space(id), late])
    cancel()
    reading.delete(runner)
    together(() => {
      if (found !== undefined) runner.dispatch({ type: 'keptFound', ...found })
      runner.dispatch(connection())
    })
  }

  function keep(id: SpaceId, { confirmed }: ShownSpace, { confirmed: before }: ShownSpace): void {
    const { content, subscription } = confirmed
    if (content === before.content) return
    // Emptied from outside it is still good; what may not be read any more is not kept either.
    if (content !== undefined || subscription.status === 'closed') kept?.noteSpace(id, content)
  }

  /** Ends one space that nobody watches any more, if there are too many. */
  function makeRoom(): void {
    for (const runner of [...watches.values()]) {
      if (spaces.size < LIMITS.maxSubscriptionsPerConnection) return
      runner.dispatch({ type: 'roomNeeded' })
    }
  }

  function end(id: SpaceId): void {
    forget(id)
    if (isSpaceId(id)) post({ type: 'unsubscribe', space: id })
  }

  function forget(id: SpaceId): void {
    watches.get(id)?.stop()
    watches.delete(id)
    spaces.get(id)?.stop()
    spaces.delete(id)
    store.remove(id)
  }

  function carryOut(id: SpaceId, effect: ShownSpaceEffect): void {
    switch (effect.type) {
      case 'subscribe':
        if (!isSpaceId(id)) return dispatch(id, { type: 'subscribeFailed', ...NO_SPACE_ID })
        return post({ type: 'subscribe', space: id, present: effect.present, ...positionFields(effect.position) })
      case 'sendPresence':
        return post({ type: 'presence', space: id, state: effect.state })
      case 'fetchOlder':
        void fetchOlder(id, effect.before)
        return
      case 'confirm':
        return queue.confirm(effect.ids)
      default:
        return effect satisfies never
    }
  }

  async function fetchOlder(id: SpaceId, before: IntentionId | undefined): Promise<void> {
    const result = await http.olderIntentions(id, before)
    if (result.ok) dispatch(id, { type: 'olderReceived', before, page: result.value })
    else dispatch(id, { type: 'olderFailed', before, message: result.problem.message })
  }

  function receiveOne(frame: IncomingFrame): void {
    for (const { space, event } of frameEventsOf(frame)) spaces.get(space)?.dispatch(event)
  }

  /** A store that was emptied from outside takes the states with it: what is watched begins anew, from a snapshot. */
  const stopListening = store.onRemoved((id) => {
    if (!spaces.has(id)) return
    queueMicrotask(() => {
      if (!spaces.has(id) || store.read(id) !== undefined) return
      together(() => {
        dispatch(id, { type: 'storeLost' })
        dispatch(id, connection())
      })
    })
  })

  return {
    watch,
    dispatch,
    setState(id, state) {
      if (spaces.has(id)) dispatch(id, { type: 'stateSet', state })
      else earlyStates.set(id, state)
    },
    wentLive: () => dispatchToAll({ type: 'connected' }),
    move: () => dispatchToAll({ type: 'moved' }),
    isAnswered: () => [...spaces.values()].every(({ state }) => !isUnanswered(state.confirmed)),
    wentDown: () => dispatchToAll({ type: 'disconnected' }),
    receive: (frames) => together(() => frames.forEach(receiveOne)),
    pendingChanged: (id) => dispatch(id, { type: 'pendingChanged', entries: queue.entriesOf(id) }),
    isWatched: (id) => spaces.has(id),
    isCurrent: (id) => spaces.get(id)?.state.confirmed.subscription.status === 'current',
    stop() {
      stopListening()
      for (const id of [...watches.keys()]) forget(id)
      earlyStates.clear()
    },
  }
}

/** A gateway closes the connection of who goes on sending what is none. */
const isSpaceId = (id: string): boolean => checkValue(spaceIdCheck, id).ok
const NO_SPACE_ID = { code: 'malformed', message: 'This is no address of a space.', retryAfterMs: undefined }

const positionFields = (position: Position | undefined) =>
  position === undefined ? {} : { epoch: position.epoch, after: position.version }

const refusedSpace = (id: SpaceId): SpaceState => ({
  ...initialSpace(id),
  subscription: {
    status: 'closed',
    code: 'too-many',
    message: `No more than ${LIMITS.maxSubscriptionsPerConnection} spaces can be watched at once.`,
  },
})
