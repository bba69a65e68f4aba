/** A budget that is used up, as a problem document with the time to wait. */
import type { Accounts, Charge, OverBudget } from '@rhizom/process'
import { ProblemError } from './problem-reply.ts'

/** Takes from accounts over all nodes, or throws `rate-limited`. */
export async function take(accounts: Accounts, charges: readonly Charge[]): Promise<void> {
  refuse(await accounts.take(charges))
}

/** The same by what this node knows, without asking anybody. */
export function takeHere(accounts: Accounts, charges: readonly Charge[]): void {
  refuse(accounts.takeHere(charges))
}

function refuse(over: OverBudget | undefined): void {
  if (over === undefined) return
  const { budget, retryAfterMs } = over
  throw new ProblemError('rate-limited', `over the budget of ${budget}`, { retryAfterMs })
}
