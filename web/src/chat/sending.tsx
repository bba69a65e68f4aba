/** What was sent and is not confirmed yet, with the reason if it takes long. */
import type { PendingMutation } from '@rhizom/client'
import type { IntentionView } from '@rhizom/client/react'
import { Countdown } from '../sync-status/countdown.tsx'
import { textOf } from './text.ts'

interface Props {
  pending: readonly PendingMutation[]
  shown: readonly IntentionView[]
}

export function Sending({ pending, shown }: Props) {
  const lines = pending.flatMap(({ mutation, attempt, problem, nextAttemptAtMs }) => {
    if (mutation.name !== 'intention.create') return []
    const { id, content } = mutation.args
    // The stream may be quicker than the answer to the request.
    return shown.some((intention) => intention.id === id) ? [] : [{ id, content, attempt, problem, nextAttemptAtMs }]
  })
  if (lines.length === 0) return null
  return (
    <ol className="messages sending" aria-label="Being sent">
      {lines.map(({ id, content, problem, nextAttemptAtMs }) => (
        <li key={id} className="message" data-own="true" data-testid="sending">
          <div className="message-body">
            <p className="bubble">{textOf(content)}</p>
            <span className="quiet tiny-text" role="status">
              {problem === null ? 'Sending…' : `Not sent yet: ${problem}`}
              {nextAttemptAtMs !== null && (
                <>
                  {' '}
                  Trying again in <Countdown untilMs={nextAttemptAtMs} />.
                </>
              )}
            </span>
          </div>
        </li>
      ))}
    </ol>
  )
}
