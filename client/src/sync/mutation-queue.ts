/**
 * What the user has asked for and the server has not answered yet. Mutations of one space leave in order, one request
 * at a time, and what gathers meanwhile goes together, up to a number and a size. A request whose answer was lost is
 * sent again with the same ids: the server then tells the first outcome. Nothing is given up while there is hope; what
 * cannot succeed is handed back with its reason.
 */
import { backoffMs } from '@rhizom/machine'
import { jsonBytes, LIMITS, type Mutation, type MutationResult, type SpaceId } from '@rhizom/protocol'
import { BACKOFF } from '../core/times.ts'
import type { Environment } from '../runtime/environment.ts'
import type { Http, HttpProblem } from '../runtime/http.ts'
import { callSafely, createListeners } from './listeners.ts'
import type { Renewal } from './session-keeper.ts'

export type MutationOutcome =
  /** Done, now or by an earlier attempt. `version` is the change it made, undefined where it made none. */
  | { status: 'applied'; id: string; version: number | undefined }
  /** Not done and never will be: `code` is a rejection's or a problem's, `message` is for a person. */
  | { status: 'rejected'; id: string; code: string; message: string }

/** Times are milliseconds since 1970, to be shown. */
export interface PendingMutation {
  mutation: Mutation
  queuedAtMs: number
  /** Attempts that failed so far, why the last one did, and when the next one is. */
  attempt: number
  problem: string | undefined
  nextAttemptAtMs: number | undefined
}

interface Entry extends PendingMutation {
  /** In which order it was asked for, whatever the date was. */
  order: number
  /** What it adds to a request. */
  bytes: number
  resolve(outcome: MutationOutcome): void
}

interface Lane {
  entries: Entry[]
  /** Lowered to one after a batch was refused as a whole, so that one faulty mutation does not cost the others. */
  batchSize: number
  /** The last request was turned down for its token, and that was renewed: turned down again, it is final. */
  isRenewed: boolean
  /** Ends the wait between two attempts, unless the server asked for that long. */
  wake: ((by: 'hurry' | 'stop') => void) | undefined
}

export interface MutationQueue {
  add(mutation: Mutation): Promise<MutationOutcome>
  /** Everything unanswered, oldest first. A new array whenever something changed. */
  pending(): readonly PendingMutation[]
  onPending(listener: () => void): () => void
  /** Tries again now what waits for its next attempt, but not before the time a server asked for. */
  hurry(): void
  /** Hands back everything as rejected with code `closed`. */
  stop(): void
}

export interface MutationQueueDeps {
  environment: Environment
  http: Pick<Http, 'postMutations'>
  renewToken(): Promise<Renewal>
  onApplied(mutation: Mutation): void
}

/** Well below what a server takes in one request, and what arrives within its patience on a slow line. */
const MAX_BATCH_BYTES = 256 * 1024

const AUTHENTICATION_CODES: ReadonlySet<string> = new Set(['not-authenticated', 'token-expired'])

export function createMutationQueue({ environment, http, renewToken, onApplied }: MutationQueueDeps): MutationQueue {
  const lanes = new Map<SpaceId | null, Lane>()
  const listeners = createListeners<void>(environment, 'a listener to pending mutations')
  let pending: readonly PendingMutation[] = []
  let lastOrder = 0

  function changed(): void {
    pending = [...lanes.values()]
      .flatMap(({ entries }) => entries)
      .sort((a, b) => a.order - b.order)
      .map(({ resolve: _resolve, order: _order, bytes: _bytes, ...rest }) => rest)
    listeners.notify()
  }

  function add(mutation: Mutation): Promise<MutationOutcome> {
    return new Promise((resolve) => {
      const entry: Entry = {
        mutation,
        queuedAtMs: environment.dateMs(),
        order: ++lastOrder,
        attempt: 0,
        problem: undefined,
        nextAttemptAtMs: undefined,
        bytes: jsonBytes(mutation),
        resolve,
      }
      const lane = lanes.get(mutation.space)
      if (lane !== undefined) lane.entries.push(entry)
      else {
        const fresh: Lane = {
          entries: [entry],
          batchSize: LIMITS.maxMutationsPerBatch,
          isRenewed: false,
          wake: undefined,
        }
        lanes.set(mutation.space, fresh)
        void run(mutation.space, fresh)
      }
      changed()
    })
  }

  async function run(space: SpaceId | null, lane: Lane): Promise<void> {
    // What is asked for in one turn of the event loop leaves together.
    await Promise.resolve()
    while (lane.entries.length > 0) await attempt(lane)
    if (lanes.get(space) === lane) lanes.delete(space)
  }

  async function attempt(lane: Lane): Promise<void> {
    const batch = nextBatch(lane)
    const answer = await http.postMutations(batch.map(({ mutation }) => mutation))
    const isTokenRefused = !answer.ok && AUTHENTICATION_CODES.has(answer.problem.code)
    if (!isTokenRefused) lane.isRenewed = false
    if (answer.ok) return finishAll(lane, batch, answer.value.results)
    const { problem } = answer
    if (isTokenRefused) return renewAndRetry(lane, batch, problem)
    if (problem.retry === 'later') return postpone(lane, batch, problem.message, problem.retryAfterMs)
    if (batch.length > 1) lane.batchSize = 1
    else for (const entry of batch) finish(lane, entry, rejection(entry, problem.code, problem.message))
  }

  const rejection = ({ mutation }: Entry, code: string, message: string): MutationOutcome => ({
    status: 'rejected',
    id: mutation.id,
    code,
    message,
  })

  function finish(lane: Lane, entry: Entry, outcome: MutationOutcome): void {
    const index = lane.entries.indexOf(entry)
    if (index < 0) return
    lane.entries.splice(index, 1)
    changed()
    if (outcome.status === 'applied')
      callSafely(environment, 'what is told of mutations', () => onApplied(entry.mutation))
    entry.resolve(outcome)
  }

  function finishAll(lane: Lane, batch: readonly Entry[], results: readonly MutationResult[]): void | Promise<void> {
    const byId = new Map(results.map((result) => [result.id, result]))
    let unanswered = 0
    for (const entry of batch) {
      const result = byId.get(entry.mutation.id)
      if (result === undefined) unanswered += 1
      else finish(lane, entry, outcomeOf(result))
    }
    if (unanswered > 0) return postpone(lane, batch, 'The server left a mutation unanswered.', 0)
    lane.batchSize = LIMITS.maxMutationsPerBatch
  }

  async function renewAndRetry(lane: Lane, batch: readonly Entry[], problem: HttpProblem): Promise<void> {
    if (lane.isRenewed) {
      for (const entry of batch) finish(lane, entry, rejection(entry, problem.code, problem.message))
      return
    }
    const renewal = await renewToken()
    lane.isRenewed = renewal.status === 'renewed'
    if (renewal.status === 'refused')
      for (const entry of batch) finish(lane, entry, rejection(entry, problem.code, renewal.message))
    else await postpone(lane, batch, problem.message, renewal.status === 'failed' ? renewal.retryAfterMs : 0)
  }

  /** Waits with a backoff; `hurry` and `stop` end the wait. */
  async function postpone(lane: Lane, batch: readonly Entry[], reason: string, floorMs: number): Promise<void> {
    const failures = Math.max(...batch.map((entry) => entry.attempt))
    const delayMs = backoffMs(BACKOFF, failures, environment.random(), floorMs)
    for (const entry of batch) {
      entry.attempt += 1
      entry.problem = reason
      entry.nextAttemptAtMs = environment.dateMs() + delayMs
    }
    changed()
    const notBeforeMs = environment.nowMs() + floorMs
    await new Promise<void>((resolve) => {
      const cancel = environment.after(delayMs, resolve)
      lane.wake = (by) => {
        if (by === 'hurry' && environment.nowMs() < notBeforeMs) return
        cancel()
        resolve()
      }
    })
    lane.wake = undefined
    for (const entry of batch) entry.nextAttemptAtMs = undefined
    changed()
  }

  const wakeAll = (by: 'hurry' | 'stop') => {
    for (const lane of lanes.values()) lane.wake?.(by)
  }

  return {
    add,
    pending: () => pending,
    onPending: listeners.add,
    hurry: () => wakeAll('hurry'),
    stop() {
      for (const lane of lanes.values())
        for (const entry of [...lane.entries]) finish(lane, entry, rejection(entry, 'closed', 'The page was left.'))
      wakeAll('stop')
    },
  }
}

/** The first ones within both bounds, one at least: what is too large alone is for the server to refuse. */
function nextBatch({ entries, batchSize }: Lane): Entry[] {
  let bytes = 0
  const fitting = entries.slice(0, batchSize).findIndex((entry, index) => {
    bytes += entry.bytes
    return index > 0 && bytes > MAX_BATCH_BYTES
  })
  return entries.slice(0, fitting < 0 ? batchSize : fitting)
}

/** A `duplicate` tells the first outcome, which may have been a rejection. */
function outcomeOf(result: MutationResult): MutationOutcome {
  const { id, error, version } = result
  return error === undefined
    ? { status: 'applied', id, version }
    : { status: 'rejected', id, code: error.code, message: error.message }
}
