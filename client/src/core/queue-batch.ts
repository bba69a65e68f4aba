/** What of a lane goes into one request, and what it looks like there. */
import type { IntentionId, Mutation } from '@rhizom/protocol'
import { bytesOf, type QueueEntry } from './queue-state.ts'

/** Well below what a server takes in one request, and what arrives within its patience on a slow line. */
const MAX_BATCH_BYTES = 256 * 1024

/** The first ones within both bounds, one at least: what is too large alone is for the server to refuse. */
export function nextBatch(entries: readonly QueueEntry[], batchSize: number): readonly QueueEntry[] {
  let bytes = 0
  const fitting = entries.slice(0, batchSize).findIndex((entry, index) => {
    bytes += bytesOf(entry)
    return index > 0 && bytes > MAX_BATCH_BYTES
  })
  return entries.slice(0, fitting < 0 ? batchSize : fitting)
}

/**
 * What goes over the wire. For one that is withdrawn that is a removal of what nobody has made, under the same id: of
 * two mutations of one id the server carries out the first it sees and answers the other with the outcome of that.
 */
export function wireOf({ mutation, isWithdrawn }: QueueEntry): Mutation {
  const { id, space } = mutation
  if (!isWithdrawn) return mutation
  const nobody: IntentionId = String(id)
  return space === null
    ? { id, space, name: 'being.remove', args: { id: `@${id}` } }
    : { id, space, name: 'intention.remove', args: { id: nobody } }
}
