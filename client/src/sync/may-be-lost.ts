/** Asks a person whether what is unsent may be lost. */
import type { Environment } from '../runtime/environment.ts'
import { within } from '../runtime/within.ts'

/** How long a person may think about it. */
const QUESTION_PATIENCE_MS = 300_000

/** Whether it may, which it may without a question if nothing is. No answer is none. */
export async function mayBeLost(
  environment: Environment,
  unsent: number,
  mayLose: (unsent: number) => boolean | Promise<boolean>,
): Promise<boolean> {
  if (unsent === 0) return true
  try {
    return await within(environment, QUESTION_PATIENCE_MS, () => mayLose(unsent))
  } catch (error) {
    environment.report('whether one may sign out was not answered', error)
    return false
  }
}
