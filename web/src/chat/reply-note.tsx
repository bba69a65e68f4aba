/**
 * Under the reply of a bot: what becomes of it, and what one may do about it. What an attempt that came to no end had
 * written stays to be read until the next one has begun.
 */
import type { MutationOutcome } from '@rhizom/client'
import { type ReplyView, useReply } from '@rhizom/client/react'
import type { IntentionId, SpaceId } from '@rhizom/protocol'
import { useState } from 'react'
import { readable, shownName, stripBidiControls } from '../foreign-text.ts'

export function ReplyNote({ space, id }: { space: SpaceId; id: IntentionId }) {
  const reply = useReply(space, id)
  const [problem, setProblem] = useState<string>()
  if (reply === undefined) return null
  const { status, former, canStop, canRetry, stop, retry } = reply
  const words = wordsOf(reply)
  if (words === undefined) return null

  async function ask(what: () => Promise<MutationOutcome>): Promise<void> {
    setProblem(undefined)
    const outcome = await what()
    if (outcome.status === 'rejected') setProblem(outcome.message)
  }

  return (
    <>
      {status === 'waiting' && former !== '' && (
        <p
          className="former quiet small-text"
          dir="auto"
          aria-label="what was written before"
          data-testid="reply-former"
        >
          {readable(former)}
        </p>
      )}
      <span className="reply-note quiet tiny-text" data-testid="reply-note" data-status={status}>
        <bdi data-testid="message-state">{words}</bdi>
        {canStop && (
          <button type="button" className="link" data-testid="stop-reply" onClick={() => void ask(stop)}>
            Stop
          </button>
        )}
        {canRetry && (
          <button type="button" className="link" data-testid="retry-reply" onClick={() => void ask(retry)}>
            Retry
          </button>
        )}
        {problem !== undefined && <span role="alert">Not done: {readable(problem)}</span>}
      </span>
    </>
  )
}

/** Undefined where the answer speaks for itself. */
function wordsOf({ status, author, bot, attempt, reason }: ReplyView): string | undefined {
  const name = stripBidiControls(shownName({ id: bot, name: author?.name ?? bot }))
  switch (status) {
    case 'asked':
      return `asked, waiting for ${name}`
    case 'waiting':
      return `interrupted, waiting for ${name} to begin anew`
    case 'answering':
      return attempt > 1 ? `answering, attempt ${attempt}` : 'answering'
    case 'stopped':
      return 'stopped'
    case 'failed':
      return reason === undefined ? 'failed, and nobody said why' : `failed: ${readable(reason)}`
    case 'complete':
      return undefined
    default:
      return status satisfies never
  }
}
