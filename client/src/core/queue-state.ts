/**
 * What the user has asked for, as the queue holds it: types, what they begin as, and how they are read. `queue.ts` says
 * what comes of what.
 */
import type { TimePassed } from '@rhizom/machine'
import { jsonBytes, type Mutation, type MutationId, type MutationResult, type SpaceId } from '@rhizom/protocol'

export type MutationOutcome =
  /** Done, now or by an earlier attempt. `version` is the change it made, undefined where it made none. */
  | { status: 'applied'; id: string; version: number | undefined }
  /** Not done and never will be: `code` is a rejection's or a problem's, `message` is for a person. */
  | { status: 'rejected'; id: string; code: string; message: string }

export type EntryState =
  /** It has not left this page: it can still be taken back without a word. */
  | { status: 'unsent' }
  /** In the request under way. */
  | { status: 'sending'; attempt: number; problem: string | undefined }
  /** It may have left, by this page or another, and no answer came. `attempt` counts failures. */
  | { status: 'unanswered'; attempt: number; problem: string | undefined; nextAttemptAtMs: number | undefined }
  /** Done. Its change, or a version from that on, has not come in the stream yet. */
  | { status: 'applied'; version: number }

export interface QueueEntry {
  mutation: Mutation
  /** In which order it was asked for, whatever the date was. Where it is kept this is its key. */
  order: number
  /** By the date of this device. */
  queuedAtMs: number
  state: EntryState
  /**
   * It is to be taken back: under its id goes a mutation that changes nothing, and the server tells which was first.
   */
  isWithdrawn: boolean
  /** The stream has brought its change: the confirmed content holds what it did. */
  hasArrived: boolean
  /** Somebody here waits for a rejection and deals with it: no record of it is needed. */
  handsBack: boolean
}

/** One that was turned down, until a person retries or drops it. */
export interface RefusedMutation {
  mutation: Mutation
  order: number
  code: string
  message: string
  refusedAtMs: number
}

export interface Lane {
  /** Lowered to one after a batch was refused as a whole, so that one faulty mutation does not cost the others. */
  batchSize: number
  /** The last request was turned down for its token, and that was renewed: turned down again, it is final. */
  isRenewed: boolean
  state: LaneState
}

/** What is wrong with a request as a whole, as far as the queue looks at it. */
export interface RequestProblem {
  code: string
  message: string
  retry: 'later' | 'never'
  retryAfterMs: number
}

export type LaneState =
  | { status: 'idle' }
  | { status: 'sending'; ids: readonly MutationId[] }
  | { status: 'renewing'; ids: readonly MutationId[]; problem: RequestProblem }
  /** `isAway`: nobody of ours answered, so that any answer to another request is good news. */
  | { status: 'waiting'; sinceMs: number; notBeforeMs: number; untilMs: number; isAway: boolean }

/** Names a lane: mutations of one space leave in order; those of none as well. */
export type LaneKey = SpaceId | null

export interface QueueState {
  /** Whether this page sends; another does otherwise. */
  isSender: boolean
  /** In their order. */
  entries: readonly QueueEntry[]
  refused: readonly RefusedMutation[]
  /** Only those that are not idle with nothing to remember. */
  lanes: ReadonlyMap<LaneKey, Lane>
}

export type QueueEvent =
  /** New ones, or what another page says of them. */
  | { type: 'entriesGiven'; entries: readonly QueueEntry[] }
  /** What was asked for in one turn is together, and kept where it can be: it may leave. */
  | { type: 'sendRequested' }
  | { type: 'answered'; lane: LaneKey; results: readonly MutationResult[] }
  | { type: 'requestFailed'; lane: LaneKey; problem: RequestProblem }
  | { type: 'tokenRenewed'; lane: LaneKey }
  | { type: 'tokenNotRenewed'; lane: LaneKey; message: string; retryAfterMs: number | undefined }
  | { type: 'retryRequested' }
  | { type: 'withdrawRequested'; id: MutationId }
  | { type: 'senderChanged'; isSender: boolean }
  /** Another page had the answer. */
  | { type: 'settledElsewhere'; outcome: MutationOutcome }
  /** The content shows what they did without them. */
  | { type: 'arrived'; ids: readonly MutationId[] }
  | { type: 'refusedGiven'; refused: readonly RefusedMutation[] }
  | { type: 'refusedDropped'; id: MutationId }
  | { type: 'closeRequested' }
  | TimePassed

export type QueueEffect =
  | { type: 'post'; lane: LaneKey; mutations: readonly Mutation[] }
  | { type: 'renewToken'; lane: LaneKey }
  /** An outcome is known. */
  | { type: 'settle'; entry: QueueEntry; outcome: MutationOutcome }

export const emptyQueue: QueueState = { isSender: true, entries: [], refused: [], lanes: new Map() }

export const idOf = ({ mutation }: { mutation: Mutation }): MutationId => mutation.id
export const bytesOf = ({ mutation }: { mutation: Mutation }): number => jsonBytes(mutation)

/** Entries that no vault gave a key to are ordered from here on, and so come after those that have one. */
export const FIRST_OWN_ORDER = 1e15

/** Whether it still has to be sent, or its answer awaited. */
export const isOpen = ({ state }: QueueEntry): boolean => state.status !== 'applied'

export const newEntry = (mutation: Mutation, order: number, queuedAtMs: number, handsBack: boolean): QueueEntry => ({
  mutation,
  order,
  queuedAtMs,
  state: { status: 'unsent' },
  isWithdrawn: false,
  hasArrived: false,
  handsBack,
})

/** Times are milliseconds since 1970, to be shown. */
export interface PendingMutation {
  mutation: Mutation
  queuedAtMs: number
  /** `unsent` can be taken back for certain; whether the others have an effect, the server knows. */
  status: 'unsent' | 'sending' | 'unanswered'
  /** Attempts that failed so far, why the last one did, and when the next one is. */
  attempt: number
  problem: string | undefined
  nextAttemptAtMs: number | undefined
  /** It was cancelled, and whether that came in time is not known yet. */
  isWithdrawn: boolean
}

export function pendingOf({ mutation, queuedAtMs, state, isWithdrawn }: QueueEntry): PendingMutation | undefined {
  const base = { mutation, queuedAtMs, isWithdrawn }
  switch (state.status) {
    case 'unsent':
      return { ...base, status: 'unsent', attempt: 0, problem: undefined, nextAttemptAtMs: undefined }
    case 'sending':
      return { ...base, ...state, nextAttemptAtMs: undefined }
    case 'unanswered':
      return { ...base, ...state }
    case 'applied':
      return undefined
    default:
      return state satisfies never
  }
}
