/** Opens the panel of invites, which is loaded then. */
import type { SpaceId } from '@rhizom/protocol'
import { lazy, Suspense, useState } from 'react'

const InvitePanel = lazy(async () => ({ default: (await import('./invite-panel.tsx')).InvitePanel }))

export function InviteButton({ space }: { space: SpaceId }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" data-testid="invite" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        Invite
      </button>
      <Suspense fallback={null}>{isOpen && <InvitePanel space={space} />}</Suspense>
    </>
  )
}
