/**
 * Runs the queue of mutations (`core/queue.ts`): posts what it says, and tells those who asked what came of it. Where
 * what waits is kept and shared with other pages (`shared-queue.ts`), nothing leaves before it is kept.
 */
import { Runner } from '@rhizom/machine'
import type { Mutation, MutationId, SpaceId } from '@rhizom/protocol'
import { queueMachine } from '../core/queue.ts'
import {
  emptyQueue,
  FIRST_OWN_ORDER,
  idOf,
  type LaneKey,
  type MutationOutcome,
  newEntry,
  type PendingMutation,
  pendingOf,
  type QueueEffect,
  type QueueEntry,
  type QueueEvent,
  type QueueState,
  type RefusedMutation,
} from '../core/queue-state.ts'
import type { Environment } from '../runtime/environment.ts'
import type { Http } from '../runtime/http.ts'
import { callSafely, createListeners } from './listeners.ts'
import type { RenewalOutcome } from './session-keeper.ts'

export interface AddOptions {
  /**
   * Whether a rejection is handed back and that is all. Otherwise it stays among the refused, also over a reload, until
   * a person retries or drops it.
   */
  handsBack: boolean
}

/** `taken-back`: it never left. `already-sent`: it is taken back unless it has arrived; its outcome tells. */
export type CancelResult = 'taken-back' | 'already-sent' | 'unknown'

export interface MutationQueue {
  add(mutation: Mutation, options?: AddOptions): Promise<MutationOutcome>
  cancel(id: MutationId): CancelResult
  /** Everything unanswered, oldest first. A new array whenever something changed. */
  pending(): readonly PendingMutation[]
  onPending(listener: () => void): () => void
  refused(): readonly RefusedMutation[]
  dropRefused(id: MutationId): void
  /** Everything of a space that its confirmed content may lack, the answered ones too. */
  entriesOf(space: SpaceId): readonly QueueEntry[]
  /** The content of a space shows these without them. */
  confirm(ids: readonly MutationId[]): void
  /** Tries again now what waits for its next attempt, but not before the time a server asked for. */
  hurry(): void
  /** Hands back everything as rejected with code `closed`. What is kept stays kept. */
  stop(): void
}

/** The other places where what waits is: the device, and other pages. */
export interface QueueSharing {
  /** Puts a new one there; resolves when that is done, or cannot be. */
  keep(entry: QueueEntry): Promise<void>
  /** Told of everything that becomes of the queue. */
  changed(state: QueueState, before: QueueState): void
  settled(entry: QueueEntry, outcome: MutationOutcome): void
  /** What becomes of the queue from here on is its end here, and nothing to tell. */
  stop(): void
}

export interface MutationQueueDeps {
  environment: Environment
  http: Pick<Http, 'postMutations'>
  renewToken(): Promise<RenewalOutcome>
  onApplied(mutation: Mutation): void
  /** What is pending in these spaces changed. */
  onSpaces(spaces: ReadonlySet<SpaceId>): void
  /** Whether there is content, here or kept, in which what was done has yet to show. */
  isShown(space: SpaceId): boolean
  share?: ((dispatch: (event: QueueEvent) => void) => QueueSharing) | undefined
}

export function createMutationQueue(deps: MutationQueueDeps): MutationQueue {
  const { environment, http, renewToken, onApplied, onSpaces, isShown } = deps
  const waiters = new Map<MutationId, (outcome: MutationOutcome) => void>()
  const listeners = createListeners<void>(environment, 'a listener to pending mutations')
  let pending: readonly PendingMutation[] = []
  let lastOrder = FIRST_OWN_ORDER

  const runner = new Runner<QueueState, QueueEvent, QueueEffect>({
    machine: queueMachine,
    initial: emptyQueue,
    clock: environment,
    random: () => environment.random(),
    carryOut,
    faulted: (error) => environment.report('a step of the queue failed', error),
    changed,
  })
  const dispatch = (event: QueueEvent): void => runner.dispatch(event)
  const sharing = deps.share?.(dispatch)

  function changed(state: QueueState, before: QueueState): void {
    sharing?.changed(state, before)
    if (state.entries !== before.entries) {
      pending = state.entries.flatMap((entry) => pendingOf(entry) ?? [])
      onSpaces(spacesThatDiffer(state.entries, before.entries))
    }
    if (state.entries !== before.entries || state.refused !== before.refused) listeners.notify()
  }

  function carryOut(effect: QueueEffect): void {
    switch (effect.type) {
      case 'post':
        void post(effect.lane, effect.mutations)
        return
      case 'renewToken':
        void renew(effect.lane)
        return
      case 'settle':
        return settle(effect.entry, effect.outcome)
      default:
        return effect satisfies never
    }
  }

  async function post(lane: LaneKey, mutations: readonly Mutation[]): Promise<void> {
    const answer = await http.postMutations(mutations)
    if (answer.ok) dispatch({ type: 'answered', lane, results: answer.value.results })
    else dispatch({ type: 'requestFailed', lane, problem: answer.problem })
  }

  async function renew(lane: LaneKey): Promise<void> {
    const renewal = await renewToken()
    if (renewal.status === 'renewed') return dispatch({ type: 'tokenRenewed', lane })
    const retryAfterMs = renewal.status === 'failed' ? renewal.retryAfterMs : undefined
    dispatch({ type: 'tokenNotRenewed', lane, message: renewal.message, retryAfterMs })
  }

  function settle(entry: QueueEntry, outcome: MutationOutcome): void {
    const { id, space } = entry.mutation
    sharing?.settled(entry, outcome)
    if (outcome.status === 'applied') {
      callSafely(environment, 'what is told of mutations', () => onApplied(entry.mutation))
      if (space === null || !isShown(space)) dispatch({ type: 'arrived', ids: [id] })
    }
    waiters.get(id)?.(outcome)
    waiters.delete(id)
  }

  async function leaveWhenKept(entry: QueueEntry): Promise<void> {
    // What is asked for in one turn of the event loop leaves together.
    await sharing?.keep(entry)
    dispatch({ type: 'sendRequested' })
  }

  return {
    add(mutation, { handsBack } = { handsBack: true }) {
      return new Promise((resolve) => {
        const entry = newEntry(mutation, ++lastOrder, environment.dateMs(), handsBack)
        waiters.set(mutation.id, resolve)
        dispatch({ type: 'entriesGiven', entries: [entry] })
        void leaveWhenKept(entry)
      })
    },
    cancel(id) {
      const entry = runner.state.entries.find((one) => idOf(one) === id)
      if (entry === undefined || entry.state.status === 'applied') return 'unknown'
      dispatch({ type: 'withdrawRequested', id })
      return runner.state.entries.some((one) => idOf(one) === id) ? 'already-sent' : 'taken-back'
    },
    pending: () => pending,
    onPending: listeners.add,
    refused: () => runner.state.refused,
    dropRefused: (id) => dispatch({ type: 'refusedDropped', id }),
    entriesOf: (space) => runner.state.entries.filter(({ mutation }) => mutation.space === space),
    confirm: (ids) => dispatch({ type: 'arrived', ids }),
    hurry: () => dispatch({ type: 'retryRequested' }),
    stop() {
      sharing?.stop()
      dispatch({ type: 'closeRequested' })
      runner.stop()
    },
  }
}

function spacesThatDiffer(after: readonly QueueEntry[], before: readonly QueueEntry[]): ReadonlySet<SpaceId> {
  const [former, present] = [new Set(before), new Set(after)]
  const different = [...after.filter((one) => !former.has(one)), ...before.filter((one) => !present.has(one))]
  return new Set(different.flatMap(({ mutation }) => mutation.space ?? []))
}
