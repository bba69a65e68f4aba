/** A run of changes as a frame brings it: how it relates to what is held, and what it says of those it names. */
import { type BeingId, type Change, type ChangesFrame, place, type Placement, type Range } from '@rhizom/protocol'
import type { SpaceContent } from './space-content.ts'

export type Run = Pick<ChangesFrame, 'epoch' | 'from' | 'to' | 'changes'>

/** Whether a run holds what it says it holds: a frame with a hole in it is a gap like any other. */
const isWhole = (run: Run): boolean =>
  run.changes.length === run.to - run.from &&
  run.changes.every(({ version }, index) => version === run.from + 1 + index)

/** What follows from a run for a holder of that content. */
export function placementOf(content: SpaceContent, run: Run): Placement {
  const range: Range = { epoch: run.epoch, from: run.from, to: run.to }
  const placement = place(content.position, range)
  return (placement === 'follows' || placement === 'overlaps') && !isWhole(run) ? 'gap' : placement
}

/** Whoever has said it, or is gone, is not typing it any more. */
export const silencedBy = ({ kind, body }: Change): BeingId[] => {
  if (kind === 'intention.put') return [body.owner]
  return kind === 'being.remove' ? [body.id] : []
}
