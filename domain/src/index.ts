/** @rhizom/domain: what a mutation does and who may. The api decides by it, and the client foresees by it. */
export { applyBatch, type BatchResult, duplicateOf, type RequestedMutation } from './apply-batch.ts'
export { BLANK, blankRemovedWords, speechless, withoutWords } from './blank-words.ts'
export { bytesAfter } from './change-intention.ts'
export { mayCarryOut, mayStop, writtenIn } from './claim.ts'
export { decide, refusalOfUnreadable } from './decide.ts'
export type { DecideContext, DecideOptions, Decision } from './decision.ts'
export { endOverdueClaims, type OverdueOptions } from './overdue-claims.ts'
export { decideInvite, type InviteWorth, NO_SUCH_INVITE, worthOf } from './invite.ts'
export type { KeptOfIntention, Unread } from './kept.ts'
export { isMentionOpen, mentionsIn } from './mention.ts'
export type { OpenInvite } from './open-invite.ts'
export { OPERATOR } from './operator.ts'
export { PairMap } from './pair-map.ts'
export {
  mayChangeBeing,
  mayChangeIntention,
  mayEnter,
  mayGovern,
  mayModerate,
  mayRead,
  maySeeBeing,
  mayWrite,
} from './permission.ts'
export { type Wakes, wakesOf } from './reply.ts'
export { type Right, RIGHTS, RIGHTS_OF, type Standing, standingIn } from './rights.ts'
export {
  copyWorld,
  emptyWorld,
  keptOf,
  type Outcome,
  type PlacedIntention,
  readerOf,
  unplaced,
  type World,
} from './world.ts'
export { applyOp, type ChangeCause, changeOf, type LoggedChange, type WorldOp } from './world-op.ts'
export type { WorldReader } from './world-reader.ts'
