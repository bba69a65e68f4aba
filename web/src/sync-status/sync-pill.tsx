/** The state of the connection in a word, and everything known about it for those who open it. */
import type { SyncStatus } from '@rhizom/client'
import { useSyncStatus, useWriteStatus, type WriteStatus } from '@rhizom/client/react'
import { timeIn } from '../moment.ts'
import { Countdown } from './countdown.tsx'

const labels: Record<SyncStatus['status'], string> = {
  live: 'Live',
  polling: 'Live, a few seconds late',
  connecting: 'Connecting',
  offline: 'Offline',
  error: 'Stopped',
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

/** What arrives says nothing of what leaves: the one is the gateway's, the other the api's. */
function labelOf({ status }: SyncStatus, writing: WriteStatus): string {
  if (status !== 'live' && status !== 'polling') return labels[status]
  switch (writing.status) {
    case 'open':
      return labels[status]
    case 'waiting':
      return 'Not sending'
    case 'unreachable':
      return 'Reading only'
    default:
      return writing satisfies never
  }
}

export function SyncPill() {
  const status = useSyncStatus()
  const writing = useWriteStatus()
  const label = labelOf(status, writing)
  return (
    <details
      className="pill"
      data-testid="sync-status"
      data-status={status.status}
      data-sending={writing.status === 'open'}
    >
      <summary>
        <span className="dot" aria-hidden="true" />
        <span role="status">{label}</span>
      </summary>
      <dl className="pill-card card">
        <dt>Status</dt>
        <dd>{label}</dd>
        {status.sinceMs !== undefined && (
          <>
            <dt>Since</dt>
            <dd>{timeIn(clock, status.sinceMs)}</dd>
          </>
        )}
        {status.status === 'live' && (
          <>
            <dt>Session</dt>
            <dd>
              <code data-testid="sync-session">{status.connectionId}</code>
            </dd>
          </>
        )}
        {writing.status !== 'open' && (
          <>
            <dt>Writing</dt>
            <dd>{writing.reason}</dd>
          </>
        )}
        {status.reason !== undefined && (
          <>
            <dt>Why</dt>
            <dd>{status.reason}</dd>
          </>
        )}
        {status.nextAttemptAtMs !== undefined && (
          <>
            <dt>Next try</dt>
            <dd>
              in <Countdown untilMs={status.nextAttemptAtMs} />, number {status.attempt + 1}
            </dd>
          </>
        )}
      </dl>
    </details>
  )
}
