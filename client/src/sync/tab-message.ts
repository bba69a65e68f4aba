/** What pages of one version of this client tell each other. */
import { isJsonObject, type MutationId } from '@rhizom/protocol'
import { idOf, isOpen, type MutationOutcome, type QueueEntry } from '../core/queue-state.ts'
import { isKey } from './kept-entries.ts'

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

/** Whoever waits for it is elsewhere, and whether it has arrived each page knows of its own content. */
export const asHeard = (entry: QueueEntry): QueueEntry => ({ ...entry, handsBack: false, hasArrived: false })

/** What a page that does not send has to tell: what it adds, and what it takes back. */
export const isOwnNews = (entry: QueueEntry, former: QueueEntry | undefined): boolean =>
  former === undefined || entry.order !== former.order || entry.isWithdrawn !== former.isWithdrawn

/** What is kept and open here, and not among what the page that sends knows of. */
export function lackingAmong(entries: readonly QueueEntry[], ids: readonly MutationId[]): QueueEntry[] {
  const known = new Set(ids)
  return entries.filter((one) => isOpen(one) && isKey(one.order) && !known.has(idOf(one)))
}
