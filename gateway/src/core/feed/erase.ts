/**
 * What is removed is not told again: when a run removes what was said, the runs of a ring that carried the words keep
 * their changes and versions, and the words are gone from them, as they are from the log.
 */
import type { SpaceId } from '@rhizom/protocol'
import { emptyRing, type Ring } from './ring.ts'
import { changesOf, encodeRun, type LooseChange, type Run } from './run.ts'

const decoder = new TextDecoder()
/** An append adds something, or clients that check what they are told would not take it. */
const BLANK = ' '

/** The ring without what `run`, the last of it, removes. Empty if that cannot be read: the log has it all. */
export function withoutRemoved(space: SpaceId, ring: Ring, run: Run): Ring {
  const changes = changesOf(run)
  if (changes === undefined) return emptyRing
  const removed = new Set<unknown>(
    changes.flatMap(({ kind, body }) => (kind === 'intention.remove' ? [body['id']] : [])),
  )
  const runs: Run[] = []
  for (const former of ring.runs) {
    const blanked = mentions(former, removed) ? blank(space, former, removed) : former
    if (blanked === undefined) return emptyRing
    runs.push(blanked)
  }
  return { ...ring, runs, bytes: runs.reduce((sum, { frame }) => sum + frame.length, 0) }
}

function mentions({ frame }: Run, ids: ReadonlySet<unknown>): boolean {
  const text = decoder.decode(frame)
  return [...ids].some((id) => typeof id === 'string' && text.includes(id))
}

function blank(space: SpaceId, run: Run, removed: ReadonlySet<unknown>): Run | undefined {
  const changes = changesOf(run)
  if (changes === undefined) return undefined
  const { altersAccess, erases } = run
  const blanked = changes.map((change) => (removed.has(change.body['id']) ? withoutWords(change) : change))
  return { ...encodeRun(space, run.epoch, run.from, blanked), altersAccess, erases }
}

function withoutWords(change: LooseChange): LooseChange {
  if (change.kind === 'intention.put') {
    const { former: _former, reason: _reason, ...rest } = change.body
    return { ...change, body: { ...rest, content: [] } }
  }
  if (change.kind === 'intention.append') return { ...change, body: { ...change.body, text: BLANK } }
  return change
}
