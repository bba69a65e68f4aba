/**
 * A version is one change. Where two runs of one history say different changes of the same version, one of them is
 * wrong, by a fault or by a lie; which one, only the log can tell.
 */
import { bodyOf, changesOf, type LooseChange, type Run } from './run.ts'

/** Which change it is: words may have been taken from it since, and its fields be written in another order. */
const identityOf = ({ kind, actor, mutation }: LooseChange): string => JSON.stringify([kind, actor, mutation])

/** Whether a run says another change of a version that these hold. What cannot be read says nothing. */
export function contradicts(held: readonly Run[], run: Run): boolean {
  const shared = held.filter(({ epoch, from, to }) => epoch === run.epoch && from < run.to && run.from < to)
  const isTheSame = (one: Run): boolean =>
    one.from === run.from && one.to === run.to && Buffer.compare(bodyOf(one), bodyOf(run)) === 0
  if (shared.length === 0 || shared.some(isTheSame)) return false
  const known = new Map(shared.flatMap((one) => changesOf(one) ?? []).map((one) => [one.version, identityOf(one)]))
  return (changesOf(run) ?? []).some((change) => {
    const identity = known.get(change.version)
    return identity !== undefined && identity !== identityOf(change)
  })
}
