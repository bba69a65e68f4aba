/** What pages of one version of this client tell each other. */
import { isJsonObject, type MutationId } from '@rhizom/protocol'
import type { MutationOutcome, QueueEntry } from '../core/queue-state.ts'

export type TabMessage =
  | { type: 'entries'; entries: readonly QueueEntry[] }
  | { type: 'outcome'; outcome: MutationOutcome }
  | { type: 'refused-dropped'; id: string }
  /** Whoever sends is to say so; and says so, and what of. */
  | { type: 'who-sends' }
  | { type: 'sending'; ids: readonly MutationId[] }
  /** The person is gone from this browser, with all that waits. */
  | { type: 'erased' }

/** Channels are of one version of this client (their name says so), so that the form is not looked at further. */
export const isMessage = (data: unknown): data is TabMessage => isJsonObject(data) && typeof data['type'] === 'string'
