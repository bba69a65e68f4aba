/** The frame around every page: the spaces on the left, who you are below them, the page beside. */
import { useSession } from '@rhizom/client/react'
import { type ReactNode, useEffect } from 'react'
import { PageLink } from './page-link.tsx'
import { Logo } from './logo.tsx'
import { announceVisibility } from './presence/page-visibility.ts'
import { HOME_PATH, type Route } from './route.ts'
import { Identity } from './session/identity.tsx'
import { SpaceList } from './spaces/space-list.tsx'
import { SyncBanner } from './sync-status/sync-banner.tsx'
import { SyncPill } from './sync-status/sync-pill.tsx'
import { Unsent } from './sync-status/unsent.tsx'

export function Shell({ route, children }: { route: Route; children: ReactNode }) {
  const self = useSession().being.id
  useEffect(() => announceVisibility(self), [self])
  return (
    <div className="shell">
      <aside className="sidebar" aria-label="Spaces and you">
        <div className="brand">
          <PageLink href={HOME_PATH} className="brand-name">
            <Logo />
            rhizom
          </PageLink>
          <SyncPill />
        </div>
        <SpaceList open={route.page === 'space' ? route.id : undefined} />
        <Unsent />
        <Identity />
      </aside>
      <div className="page">
        <SyncBanner />
        {children}
      </div>
    </div>
  )
}
