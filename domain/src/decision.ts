/** What deciding a mutation takes and gives (decide.ts). */
import type { BeingId, Epoch, Mutation, Rejection, RejectionCode } from '@rhizom/protocol'
import type { WorldOp } from './world-op.ts'

export interface DecideOptions {
  maxContentBytes: number
}

export interface DecideContext {
  actor: BeingId
  at: number
  /** The epoch of the space, should this mutation begin one. */
  epoch: Epoch
}

export type Decision = { accepted: true; ops: WorldOp[] } | { accepted: false; error: Rejection }

export const accept = (...ops: WorldOp[]): Decision => ({ accepted: true, ops })
export const reject = (code: RejectionCode, message: string): Decision => ({
  accepted: false,
  error: { code, message },
})

export type Of<Name extends Mutation['name']> = Extract<Mutation, { name: Name }>
