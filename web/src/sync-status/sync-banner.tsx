/** Shown while the page is not live: what happened, what happens next, and what one can do about it. */
import { useSyncStatus, useWriteStatus } from '@rhizom/client/react'
import { useSignOut } from '../session/sign-out.ts'
import { Countdown } from './countdown.tsx'

export function SyncBanner() {
  const status = useSyncStatus()
  const { signOut } = useSignOut()
  if (status.status === 'live' || status.status === 'polling') return <WriteBanner />
  return (
    <div className="banner" data-status={status.status} role="status" data-testid="sync-banner">
      <p>
        {status.status === 'error' ? (
          <strong>The connection was stopped.</strong>
        ) : status.nextAttemptAtMs === undefined ? (
          <strong>Connecting…</strong>
        ) : (
          <strong>
            Reconnecting in <Countdown untilMs={status.nextAttemptAtMs} />
          </strong>
        )}{' '}
        {status.reason}
      </p>
      <BannerAction status={status} signOut={signOut} />
    </div>
  )
}

/** Changes arrive, and nothing is taken: said where one would write, since nothing else shows it. */
function WriteBanner() {
  const writing = useWriteStatus()
  if (writing.status === 'open') return null
  return (
    <div className="banner" data-status="connecting" role="status" data-testid="write-banner">
      <p>
        <strong>Nothing can be sent right now.</strong> What others say still arrives. What you write waits, and goes
        out by itself.
      </p>
    </div>
  )
}

function BannerAction({ status, signOut }: { status: ReturnType<typeof useSyncStatus>; signOut: () => void }) {
  switch (status.status) {
    case 'live':
    case 'polling':
      return null
    case 'connecting':
    case 'offline':
      return status.nextAttemptAtMs === undefined ? null : <RetryButton retry={status.retry} />
    case 'error':
      switch (status.remedy) {
        case 'sign-in':
          return (
            <button type="button" className="small primary" onClick={signOut}>
              Sign in again
            </button>
          )
        case 'reload':
          return (
            <button type="button" className="small primary" onClick={() => window.location.reload()}>
              Reload the page
            </button>
          )
        case 'tell-operator':
          return (
            <p>
              Tell whoever runs this server that it has to allow <code>{window.location.origin}</code>, and load this
              page again when it does.
            </p>
          )
        case 'retry':
          return <RetryButton retry={status.retry} />
        default:
          return status satisfies never
      }
    default:
      return status satisfies never
  }
}

const RetryButton = ({ retry }: { retry: () => void }) => (
  <button type="button" className="small" data-testid="retry" onClick={retry}>
    Retry now
  </button>
)
