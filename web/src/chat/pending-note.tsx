/**
 * Under what waits: what is known of it and no more. That others see it nobody here can know; that the server has it,
 * its answer says. Not read aloud as it counts down.
 */
import type { PendingMutation } from '@rhizom/client'
import { useCancel } from '@rhizom/client/react'
import { Countdown } from '../sync-status/countdown.tsx'

export function PendingNote({ waiting }: { waiting: PendingMutation | undefined }) {
  const cancel = useCancel()
  return (
    <span className="pending-note quiet tiny-text" aria-live="off" data-testid="pending-note">
      {waiting === undefined ? 'The server has it. It is not confirmed here yet.' : <Progress waiting={waiting} />}
      {waiting !== undefined && (
        <button
          type="button"
          className="link"
          data-testid="cancel-sending"
          onClick={() => void cancel(waiting.mutation.id)}
        >
          Cancel
        </button>
      )}
    </span>
  )
}

function Progress({ waiting: { problem, nextAttemptAtMs } }: { waiting: PendingMutation }) {
  if (problem === undefined) return 'Sending… '
  return (
    <>
      Not sent yet: {problem}{' '}
      {nextAttemptAtMs !== undefined && (
        <>
          Trying again in <Countdown untilMs={nextAttemptAtMs} />.{' '}
        </>
      )}
    </>
  )
}
