/**
 * Text that streams is not read and not written again for each piece of it. What was appended lately stands in a column
 * of its own, `tail`, behind the content; beside it, how long all of it is. An append that names this length, or none,
 * needs no more. A tail that has grown is taken into the content by the append that comes then, which reads and writes
 * all of it. So a long text costs a stream of appends a few times its length and not the square of it.
 *
 * What an append may do to whom the text mentions takes reading it: then it is not passed over.
 */
import {
  bytesAfter,
  isMentionOpen,
  type PlacedIntention,
  type RequestedMutation,
  type Unread,
  writtenIn,
} from '@rhizom/domain'
import { type Content, type IntentionId, jsonBytes, type Mutation } from '@rhizom/protocol'

/** A row with this much beside all else stays on its page, and is written where it was. */
export const MAX_TAIL_BYTES = 1024

/** What a batch appends to an intention with which it does nothing else. */
export interface Appended {
  /** Where the first piece comes, if it says so. */
  at: number | undefined
  bytes: number
}

/** Those that need not be read if the first piece comes next. */
export function onlyAppendedTo(requested: readonly Pick<RequestedMutation, 'mutation'>[]): Map<IntentionId, Appended> {
  const appended = new Map<IntentionId, Appended>()
  const others = new Set<IntentionId>()
  for (const { mutation } of requested) {
    if (mutation.name !== 'intention.append') {
      const other = otherIn(mutation)
      if (other !== undefined) others.add(other)
      continue
    }
    const { id, text, at } = mutation.args
    const former = appended.get(id)
    if (text.includes('@') || (former !== undefined && !isBehind(former.at, at))) others.add(id)
    appended.set(id, {
      at: former === undefined ? at : former.at,
      bytes: (former?.bytes ?? 0) + Buffer.byteLength(text),
    })
  }
  for (const id of others) appended.delete(id)
  return appended
}

/** The intention that something else is done with. */
function otherIn(mutation: Exclude<Mutation, { name: 'intention.append' }>): IntentionId | undefined {
  switch (mutation.name) {
    case 'intention.create':
    case 'intention.update':
    case 'intention.claim':
    case 'intention.retry':
    case 'intention.remove':
      return mutation.args.id
    default:
      return undefined
  }
}

const isBehind = (first: number | undefined, at: number | undefined): boolean =>
  first === undefined ? at === undefined : at !== undefined && at >= first

/** What is kept beside content that is written whole, for appends to come; null where they must read it. */
export function sizesOf(content: Content): { nextAt: number | null; contentBytes: number | null } {
  const last = content.at(-1)
  if (typeof last !== 'string' || isMentionOpen(last)) return { nextAt: null, contentBytes: null }
  return { nextAt: writtenIn(content).length, contentBytes: jsonBytes(content) }
}

/** What was appended to an intention that was not read, and how long it is now. */
export function growthOf({ content }: PlacedIntention, unread: Unread) {
  const text = writtenIn(content)
  return { tail: text, nextAt: unread.length + text.length, contentBytes: bytesAfter(unread, text) }
}
