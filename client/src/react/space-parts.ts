/**
 * What the hooks show of a space's state, made so that it is the same object for as long as it says the same: a
 * component renders again only for what it reads. Each function makes a selector with a memory of its own.
 */
import type { Being, BeingId, Intention, IntentionId, MutationId, Role, SpaceId } from '@rhizom/protocol'
import type { Older } from '../core/older-intentions.ts'
import { beingsHere, type SpaceInfo } from '../core/space-content.ts'
import type { SpaceState, Subscription } from '../core/space-state.ts'

export type IntentionView = Intention & {
  /** Who said it; undefined if that is not known. */
  author: Being | undefined
  /** The mutations of one's own that made it as it is shown and are not confirmed; undefined if it is confirmed. */
  pending: readonly MutationId[] | undefined
}

export interface SpaceParts {
  subscription: Subscription
  space: SpaceInfo | undefined
  beings: readonly Being[]
  beingCount: number
  members: Readonly<Record<BeingId, Role>> | undefined
}

export interface ConversationParts {
  intentions: readonly IntentionView[]
  hasMore: boolean
  older: Older
}

const isSameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index])

/** Gives the former value back while all of its parts are the same. */
function keeping<T extends object>(): (next: T) => T {
  let last: T | undefined
  return (next) => {
    if (last === undefined || !isSameList(Object.values(last), Object.values(next))) last = next
    return last
  }
}

/** The former list while it has the same members. */
export function keepingList<T>(): (next: readonly T[]) => readonly T[] {
  let last: readonly T[] = []
  return (next) => {
    if (!isSameList(last, next)) last = next
    return last
  }
}

/** Those located in a space, by name: sorted when the beings that it holds are others. */
export function selectLocated(id: SpaceId): (state: SpaceState) => readonly Being[] {
  const keep = keepingList<Being>()
  let held: Readonly<Record<BeingId, Being>> | undefined
  let located: readonly Being[] = []
  return ({ content }) => {
    if (content?.beings !== held) {
      held = content?.beings
      located = keep(held === undefined ? [] : beingsHere(held, id))
    }
    return located
  }
}

export function selectSpace(id: SpaceId): (state: SpaceState) => SpaceParts {
  const keep = keeping<SpaceParts>()
  const locatedIn = selectLocated(id)
  return (state) => {
    const { subscription, content } = state
    return keep({
      subscription,
      space: content?.space,
      beings: locatedIn(state),
      beingCount: content?.beingCount ?? 0,
      members: content?.members,
    })
  }
}

const isSameMarks = (a: readonly MutationId[] | undefined, b: readonly MutationId[] | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && isSameList(a, b))

type ViewOf = (
  intention: Intention,
  author: Being | undefined,
  pending: readonly MutationId[] | undefined,
) => IntentionView

/** The former view of an intention while it, its author and its marks are the same. */
function keepingViews(): ViewOf {
  const views = new WeakMap<Intention, IntentionView>()
  return (intention, author, pending) => {
    const last = views.get(intention)
    if (last !== undefined && last.author === author && isSameMarks(last.pending, pending)) return last
    const view = { ...intention, author, pending }
    views.set(intention, view)
    return view
  }
}

export function selectConversation(): (state: SpaceState) => ConversationParts {
  const keep = keeping<ConversationParts>()
  const keepAll = keepingList<IntentionView>()
  const viewOf = keepingViews()
  return ({ content, older }) => {
    const intentions = keepAll(
      (content?.intentions ?? []).map((one) => viewOf(one, content?.beings[one.owner], content?.pending?.[one.id])),
    )
    return keep({ intentions, hasMore: content?.hasMore ?? false, older })
  }
}

export function selectIntention(id: IntentionId): (state: SpaceState) => IntentionView | undefined {
  const viewOf = keepingViews()
  return ({ content }) => {
    const found = content?.intentions.findLast((one) => one.id === id)
    return found && viewOf(found, content?.beings[found.owner], content?.pending?.[id])
  }
}
