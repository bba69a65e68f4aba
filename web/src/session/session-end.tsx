/** Notices that the session is over, which no waiting and no retry helps, and leads to the sign-in page. */
import { useRhizom, useSyncStatus } from '@rhizom/client/react'
import { useEffect } from 'react'
import type { EndedSession } from './ended-session.ts'

export function SessionEnd({ onEnded }: { onEnded: (ended: EndedSession) => void }) {
  const client = useRhizom()
  const status = useSyncStatus()
  const reason = status.status === 'error' && status.remedy === 'sign-in' ? status.reason : undefined
  useEffect(() => {
    if (reason !== undefined) onEnded({ name: client.session().being.name, reason })
  }, [reason, client, onEnded])
  return null
}
