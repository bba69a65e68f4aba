/**
 * Removed words are gone from what is told of them as well: the changes that carried them keep their versions, so that
 * a log stays without a gap, and say nothing. The log, what is kept of it elsewhere and what is on its way to it all
 * blank by this.
 */
import type { Change, Intention, IntentionId } from '@rhizom/protocol'
import type { LoggedChange } from './world-op.ts'
import { PairMap } from './pair-map.ts'

/** An append adds something, or clients that check what they are told would not take it. */
export const BLANK = ' '

/** A change without its words, if it carries those of an intention among `removed`; else itself. */
export function withoutWords(change: Change, removed: { has(id: IntentionId): boolean }): Change {
  switch (change.kind) {
    case 'intention.put':
      return removed.has(change.body.id) ? { ...change, body: speechless(change.body) } : change
    case 'intention.append':
      return removed.has(change.body.id) ? { ...change, body: { ...change.body, text: BLANK } } : change
    default:
      return change
  }
}

/** What it said in an attempt before, and why that failed, are words as well. */
export function speechless({ former: _former, reason: _reason, ...rest }: Intention): Intention {
  return { ...rest, content: [] }
}

/** Changes of one transaction, in order: what one of them removes is not told by those before it. */
export function blankRemovedWords(changes: LoggedChange[]): LoggedChange[] {
  const removed = new PairMap<string, IntentionId, true>()
  let isAny = false
  const blanked = changes.toReversed().map((logged) => {
    const { space, change } = logged
    if (change.kind === 'intention.remove') {
      removed.set(space, change.body.id, true)
      isAny = true
    }
    return isAny ? { ...logged, change: withoutWords(change, removed.of(space)) } : logged
  })
  return isAny ? blanked.reverse() : changes
}
