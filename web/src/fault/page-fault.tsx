/** In place of a page that broke; the spaces, oneself and the connection are still beside it. */
import { PageLink } from '../page-link.tsx'
import { HOME_PATH, type Route } from '../route.ts'
import { FaultNotice } from './fault-notice.tsx'

export function PageFault({ route }: { route: Route }) {
  return (
    <main className="empty">
      <FaultNotice
        title="This page could not be shown"
        actions={
          <>
            <button type="button" className="primary" onClick={() => window.location.reload()}>
              Reload
            </button>
            {route.page !== 'home' && (
              <PageLink className="button" href={HOME_PATH}>
                Back to your spaces
              </PageLink>
            )}
          </>
        }
      >
        Something in it broke while it was being drawn. The rest of rhizom goes on.
      </FaultNotice>
    </main>
  )
}
