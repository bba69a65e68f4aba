/** @rhizom/domain: what a mutation does and who may. The api decides by it, and the client foresees by it. */
export { applyBatch, type BatchResult, duplicateOf, type RequestedMutation } from './apply-batch.ts'
export { decide, type DecideContext, type DecideOptions, type Decision } from './decide.ts'
export { PairMap } from './pair-map.ts'
export { mayChangeBeing, mayChangeIntention, mayEnter, mayRead, mayWrite, owns } from './permission.ts'
export {
  copyWorld,
  emptyWorld,
  type Outcome,
  type PlacedIntention,
  readerOf,
  type World,
} from './world.ts'
export { applyOp, type ChangeCause, changeOf, type LoggedChange, type WorldOp } from './world-op.ts'
export type { WorldReader } from './world-reader.ts'
