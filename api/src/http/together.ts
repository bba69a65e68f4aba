/**
 * How the parts of a batch are carried out: one after the other, or all at once where they have nothing to do with each
 * other. A part that fails when another was done leaves whoever asked in doubt, and the outcome of each can be asked.
 */
import { OutcomeUnknown } from '../db/failure.ts'

type Part = () => Promise<void>

export async function oneAfterTheOther(parts: readonly Part[]): Promise<void> {
  let isSomeDone = false
  for (const part of parts) {
    try {
      await part()
    } catch (error) {
      if (isSomeDone) throw new OutcomeUnknown('a later part of the batch failed', { cause: error })
      throw error
    }
    isSomeDone = true
  }
}

/** Waits for all, whatever becomes of one. */
export async function together(parts: readonly Part[]): Promise<void> {
  const settled = await Promise.allSettled(parts.map((part) => part()))
  const reasons = settled.flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : []))
  if (reasons.length === 0) return
  const isInDoubt = reasons.length < parts.length || reasons.some((reason) => reason instanceof OutcomeUnknown)
  if (isInDoubt) throw new OutcomeUnknown('a part of the batch failed', { cause: reasons[0] })
  throw reasons[0]
}
