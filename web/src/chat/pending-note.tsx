/**
 * Under what waits: what is known of it and no more. That others see it nobody here can know; that the server has it,
 * its answer says. Not read aloud as it counts down.
 */
import type { PendingMutation } from '@rhizom/client'
import { useCancel, usePendingOf } from '@rhizom/client/react'
import type { MutationId } from '@rhizom/protocol'
import { Countdown } from '../sync-status/countdown.tsx'

/** `pending` names the mutations that made it as it is shown. */
export function PendingNote({ pending }: { pending: readonly MutationId[] }) {
  // Undefined while the server has it and the stream has not brought it.
  const waiting = usePendingOf(pending)
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
