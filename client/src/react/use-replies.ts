/**
 * What becomes of asking a bot. Its reply is an intention like others (`protocol/src/claim.ts` has the picture), and
 * these hooks say of it what a person wants to know: whether somebody answers, how far, why not, and whether oneself
 * may stop it or have it begun anew. Who may is decided by the same code as on the server.
 */
import type { Being, BeingId, Intention, IntentionId, SpaceId } from '@rhizom/protocol'
import { useMemo } from 'react'
import type { MutationOutcome } from '../core/queue-state.ts'
import type { SpaceState } from '../core/space-state.ts'
import { textOf } from '../core/text.ts'
import { type HookClient, useRhizom } from './rhizom-context.ts'
import { keepingList } from './space-parts.ts'
import { useSpacePart, useWatch } from './use-space-state.ts'

export type ReplyStatus =
  /** The bot was asked, and has not begun. */
  | 'asked'
  /** Whoever began is gone, or handed it back: it waits for the bot to begin anew. */
  | 'waiting'
  | 'answering'
  | 'complete'
  /** Somebody who may stopped it. */
  | 'stopped'
  /** There is none, for `reason`. */
  | 'failed'

export interface ReplyView {
  id: IntentionId
  /** The utterance that it replies to. */
  to: IntentionId
  /** Who was asked. */
  bot: BeingId
  /** undefined if that is not known: show the id. */
  author: Being | undefined
  status: ReplyStatus
  /** Which attempt it is, or will be, from 1. */
  attempt: number
  /** What is answered so far. */
  text: string
  /** What an attempt before had written that came to no end; empty if there is none. */
  former: string
  /** Why it failed, in words for people. */
  reason: string | undefined
  /** Whether it can be stopped, and oneself may: who asked, an owner of the space or of the bot. */
  canStop: boolean
  /** The same of beginning it anew, after it failed or was stopped. */
  canRetry: boolean
  /** Resolves with what became of it, never rejecting. It shows at once. */
  stop: () => Promise<MutationOutcome>
  retry: () => Promise<MutationOutcome>
}

/** A reply of a bot among those loaded; undefined if there is none under that id. Renders for no other. */
export function useReply(space: SpaceId, id: IntentionId): ReplyView | undefined {
  return useSelected(space, id, 'id')[0]
}

/** The replies that an utterance asked for, one of each bot that it woke. */
export function useReplies(space: SpaceId, to: IntentionId): readonly ReplyView[] {
  return useSelected(space, to, 'replyTo')
}

function useSelected(space: SpaceId, id: IntentionId, by: 'id' | 'replyTo'): readonly ReplyView[] {
  const client = useRhizom()
  useWatch(space, false)
  return useSpacePart(
    space,
    useMemo(() => selectReplies(client, space, (one) => one[by] === id), [client, space, id, by]),
  )
}

type Reply = Intention & { replyTo: IntentionId }

const isReply = (intention: Intention): intention is Reply => typeof intention.replyTo === 'string'

/** Each view is the same object for as long as it says the same. */
function selectReplies(
  client: HookClient,
  space: SpaceId,
  isWanted: (intention: Intention) => boolean,
): (state: SpaceState) => readonly ReplyView[] {
  const keep = keepingList<ReplyView>()
  const views = new WeakMap<Intention, ReplyView>()
  return ({ content }) =>
    keep(
      (content?.intentions ?? []).filter(isWanted).flatMap((reply) => {
        if (!isReply(reply)) return []
        const view = viewOf(client, space, reply, content?.beings[reply.owner])
        const last = views.get(reply)
        const isSame = last?.author === view.author && last?.canStop === view.canStop && last.canRetry === view.canRetry
        if (last !== undefined && isSame) return [last]
        views.set(reply, view)
        return [view]
      }),
    )
}

const CAN_BE_STOPPED: ReadonlySet<ReplyStatus> = new Set(['asked', 'waiting', 'answering'])
const CAN_BE_RETRIED: ReadonlySet<ReplyStatus> = new Set(['stopped', 'failed'])

function viewOf(client: HookClient, space: SpaceId, reply: Reply, author: Being | undefined): ReplyView {
  const { id, owner, replyTo, attempt = 1, content, former = [], reason } = reply
  const status = statusOf(reply)
  const stop = { id, state: 'cancelled' } as const
  return {
    id,
    to: replyTo,
    bot: owner,
    author,
    status,
    attempt,
    text: textOf(content),
    former: textOf(former),
    reason,
    canStop: CAN_BE_STOPPED.has(status) && client.foresee('intention.update', space, stop) === undefined,
    canRetry: CAN_BE_RETRIED.has(status) && client.foresee('intention.retry', space, { id }) === undefined,
    stop: () => client.mutate('intention.update', space, stop),
    retry: () => client.mutate('intention.retry', space, { id }),
  }
}

function statusOf({ state, attempt = 1, former }: Reply): ReplyStatus {
  switch (state) {
    case 'draft':
    case 'paused':
      return attempt > 1 || former !== undefined ? 'waiting' : 'asked'
    case 'active':
      return 'answering'
    case 'complete':
      return 'complete'
    case 'cancelled':
      return 'stopped'
    case 'failed':
      return 'failed'
    default:
      return state satisfies never
  }
}
