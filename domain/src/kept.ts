import type { Content } from '@rhizom/protocol'

/** What the database keeps beside an intention and nobody is told. */
export interface KeptOfIntention {
  /** How many replies of bots stand behind one another up to this one. */
  chain?: number
  /** Of the last claim, by which whatever is written under it renews it. */
  leaseMs?: number
  /** The content when it was claimed last. */
  base?: Content
}
