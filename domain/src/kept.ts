import type { Content } from '@rhizom/protocol'

/**
 * Of an intention that is only appended to, the database reads how long it is and not what it says: this stands for it,
 * and the content beside it is what was appended since. It ends in text, which the next piece goes on with.
 */
export interface Unread {
  /** Of its text, in code units. */
  length: number
  /** Of its content, as JSON. */
  bytes: number
}

/** What the database keeps beside an intention and nobody is told. */
export interface KeptOfIntention {
  /** How many replies of bots stand behind one another up to this one. */
  chain?: number
  /** Of the last claim, by which whatever is written under it renews it. */
  leaseMs?: number
  /** The content when it was claimed last. */
  base?: Content
  /** What stands before its content. Whatever says all of it must not meet such an intention. */
  unread?: Unread
}
