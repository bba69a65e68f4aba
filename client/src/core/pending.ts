/**
 * What was asked for and is not confirmed, laid over what is: the view is the pending mutations replayed in their order
 * over the confirmed content. What each does, and whether it may, is decided by the same code as on the server; one
 * that would be rejected does nothing here. With nothing pending the view is the confirmed content itself, and what no
 * pending mutation touches keeps its identity.
 *
 * A mutation is in the view until the stream has brought its change, or the content has reached the version that the
 * answer told. What is replayed over content that may hold it already must do no harm: putting and removing do none;
 * text that was appended is held back until its outcome is known.
 */
import { changeOf, decide, type WorldOp, type WorldReader } from '@rhizom/domain'
import { type Being, type BeingId, type IntentionId, LIMITS, type Mutation, type MutationId } from '@rhizom/protocol'
import { idOf, type QueueEntry } from './queue-state.ts'
import type { IncomingChange } from './incoming.ts'

import { applyChange, type SpaceContent } from './space-content.ts'

export interface Pending {
  /** Of one space, in their order. */
  entries: readonly QueueEntry[]
  /** Their changes have come; the queue is told and will say so itself. */
  arrived: ReadonlySet<MutationId>
  /** The content may hold them already. */
  heldBack: ReadonlySet<MutationId>
}

export const nothingPending: Pending = { entries: [], arrived: new Set(), heldBack: new Set() }

/** Whether it may have reached the server without an answer having come. */
const mayHaveLeft = ({ state }: QueueEntry): boolean => state.status === 'sending' || state.status === 'unanswered'

/** Whether the content shows it without it. */
const isConfirmed = ({ arrived }: Pending, entry: QueueEntry, { position }: SpaceContent): boolean =>
  entry.hasArrived ||
  arrived.has(idOf(entry)) ||
  (entry.state.status === 'applied' && entry.state.version <= position.version)

/** The confirmed content with what is pending. `self` is who asks, as it is known. */
export function viewOf(confirmed: SpaceContent, pending: Pending, self: Being): SpaceContent {
  const marks: Record<string, MutationId[]> = {}
  let view = confirmed
  for (const entry of pending.entries) {
    if (entry.isWithdrawn || pending.heldBack.has(idOf(entry)) || isConfirmed(pending, entry, confirmed)) continue
    const { mutation, queuedAtMs: at } = entry
    const context = { actor: self.id, at, epoch: confirmed.position.epoch }
    const decision = decide(readerOf(view, self), mutation, context, { maxContentBytes: LIMITS.maxContentBytes })
    if (!decision.accepted) continue
    for (const op of decision.ops) {
      if (op.log !== confirmed.space.id) continue
      const change = changeOf(op, revAfter(view, op), { actor: self.id, mutation: mutation.id, at })
      view = { ...applyChange(view, change), position: confirmed.position }
      const touched = touchedBy(op)
      marks[touched] = [...(marks[touched] ?? []), mutation.id]
    }
  }
  return view === confirmed ? confirmed : { ...view, pending: marks }
}

/**
 * Why a mutation would be rejected if it came right after what is pending; undefined if it would not, as far as one
 * knows.
 */
export function foresee(view: SpaceContent, mutation: Mutation, self: Being, at: number) {
  const context = { actor: self.id, at, epoch: view.position.epoch }
  const decision = decide(readerOf(view, self), mutation, context, { maxContentBytes: LIMITS.maxContentBytes })
  return decision.accepted ? undefined : decision.error
}

/**
 * Looks up in what is held of a space. What is not held of oneself is taken for good: a big space does not list
 * everybody who is in it, and not every server tells members; whoever is refused after all is told so.
 */
function readerOf({ space, position, beings, members, intentions }: SpaceContent, self: Being): WorldReader {
  return {
    space: (id) => (id === space.id ? { ...space, ...position } : undefined),
    being: (id) => beings[id] ?? (id === self.id ? { ...self, location: space.id } : undefined),
    intention: (id) => intentions.findLast((intention) => intention.id === id),
    role(id, being) {
      if (id !== space.id) return undefined
      return members === undefined && being === self.id && space.visibility === 'private' ? 'member' : members?.[being]
    },
    ownerCount: (id) => (id === space.id ? Object.values(members ?? {}).filter((role) => role === 'owner').length : 0),
    // Those of one's own in other spaces are not held, and this one tells of what goes with them.
    membershipsOf: () => [],
    isTaken: (id) => id === space.id || beings[id] !== undefined,
  }
}

/**
 * A version after everything that is held of what the op touches: a page read ahead of the stream may be newer than it.
 */
function revAfter({ position, intentions }: SpaceContent, op: WorldOp): number {
  const id: IntentionId | undefined =
    op.kind === 'intention.put' ? op.intention.id : op.kind === 'intention.append' ? op.id : undefined
  const held = id === undefined ? undefined : intentions.findLast((intention) => intention.id === id)
  return Math.max(position.version, held?.rev ?? 0) + 1
}

function touchedBy(op: WorldOp): string {
  switch (op.kind) {
    case 'space.put':
    case 'space.remove':
      return op.log
    case 'being.put':
    case 'member.put':
    case 'member.remove':
      return typeof op.being === 'string' ? op.being : op.being.id
    case 'intention.put':
      return op.intention.id
    case 'being.leave':
    case 'being.remove':
    case 'intention.append':
    case 'intention.remove':
      return op.id
    default:
      return op satisfies never
  }
}

/** What the queue holds for the space now. What it holds no more needs no memory. */
export function withEntries(pending: Pending, entries: readonly QueueEntry[]): Pending {
  const ids = new Set(entries.map(idOf))
  const among = (those: ReadonlySet<MutationId>) => new Set([...those].filter((id) => ids.has(id)))
  return { entries, arrived: among(pending.arrived), heldBack: among(pending.heldBack) }
}

/** Changes that were applied to the content, in which one's own may be. */
export function noteChanges(pending: Pending, changes: readonly IncomingChange[], self: BeingId): Pending {
  const own = new Set(pending.entries.map(idOf))
  const arrived = changes.flatMap((change) =>
    change.kind !== 'opaque' && change.actor === self && own.has(change.mutation) ? [change.mutation] : [],
  )
  return arrived.length === 0 ? pending : { ...pending, arrived: new Set([...pending.arrived, ...arrived]) }
}

/** Content took the place of other content: what is unanswered may be in it, and nothing says so. */
export function noteReplaced(pending: Pending, before: SpaceContent | undefined, after: SpaceContent): Pending {
  // With nothing held, nobody knows in which history an answer came.
  const isOtherHistory = before?.position.epoch !== after.position.epoch
  const heldBack = new Set(pending.heldBack)
  const comparable = isOtherHistory ? undefined : before
  for (const entry of pending.entries) {
    if (mayHaveLeft(entry) && !isSafelyRepeated(entry.mutation, comparable, after)) heldBack.add(idOf(entry))
  }
  if (!isOtherHistory) return { ...pending, heldBack }
  // What the other history holds of the former one is in the content: versions told before mean nothing in it.
  const applied = pending.entries.filter(({ state }) => state.status === 'applied').map(idOf)
  return { ...pending, arrived: new Set(applied), heldBack }
}

/** Whether replaying shows the same where the content holds it already, or the content certainly does not. */
function isSafelyRepeated(mutation: Mutation, before: SpaceContent | undefined, after: SpaceContent): boolean {
  if (mutation.name !== 'intention.append') return true
  const revIn = (content: SpaceContent | undefined) =>
    content?.intentions.findLast(({ id }) => id === mutation.args.id)?.rev
  const rev = revIn(after)
  return rev === undefined || rev === revIn(before)
}

/** Those that the content shows without them by now, and of which the queue does not know that. */
export const confirmedAmong = (pending: Pending, content: SpaceContent): MutationId[] =>
  pending.entries.filter((entry) => !entry.hasArrived && isConfirmed(pending, entry, content)).map(idOf)
