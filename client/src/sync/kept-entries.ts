/** What is kept of the queue, as the queue has it, and the other way round. */
import { FIRST_OWN_ORDER, type QueueEntry, type RefusedMutation } from '../core/queue-state.ts'
import type { KeptMutation } from '../runtime/vault.ts'

/** Whether the vault gave it: the others are of this page alone. */
export const isKey = (order: number): boolean => order < FIRST_OWN_ORDER

export const fateOf = ({ state }: QueueEntry): KeptMutation['fate'] =>
  state.status === 'applied' ? { status: 'applied', version: state.version } : { status: 'open' }

/** As of a page that may have sent it. */
export function entryOf({ fate, ...rest }: KeptMutation): QueueEntry {
  const state: QueueEntry['state'] =
    fate.status === 'applied'
      ? { status: 'applied', version: fate.version }
      : { status: 'unanswered', attempt: 0, problem: undefined, nextAttemptAtMs: undefined }
  return { ...rest, handsBack: false, state }
}

export function refusedOf({ fate, mutation, order }: KeptMutation): RefusedMutation[] {
  if (fate.status !== 'refused') return []
  const { code, message, refusedAtMs } = fate
  return [{ mutation, order, code, message, refusedAtMs }]
}
