/**
 * What deciding a mutation looks up, and nothing more: the api answers from the rows it locked (`world.ts`), a client
 * from what it holds of a space.
 */
import type { Being, BeingId, Intention, IntentionId, Role, Space, SpaceId } from '@rhizom/protocol'
import type { KeptOfIntention } from './kept.ts'

export interface WorldReader {
  /** undefined for what does not exist, as far as the reader knows. */
  space(id: SpaceId): Space | undefined
  being(id: BeingId): Being | undefined
  intention(id: IntentionId): Intention | undefined
  /** What the database keeps beside it; a client knows nothing of that. */
  kept?(id: IntentionId): KeptOfIntention
  role(space: SpaceId, being: BeingId): Role | undefined
  ownerCount(space: SpaceId): number
  /** Whether somebody may change every being, whomever it belongs to. */
  mayChangeAll?(actor: BeingId): boolean
  /** Every space in which a being that is to be removed has a role, as far as the reader knows. */
  membershipsOf(being: BeingId): readonly (readonly [SpaceId, Role])[]
  /** Whether the id of a space or being is in use, or was and stays taken. */
  isTaken(id: BeingId): boolean
}
