/**
 * Who one is decides what is shown: the sign-in page, or the shell around the pages. A session that is over leads back
 * to the sign-in page, which says so; what was typed is still there afterwards.
 */
import { browserEnvironment, type Session } from '@rhizom/client'
import { createVisitorStore, useVisitor } from '@rhizom/client/react'
import { lazy, Suspense } from 'react'
import { forgetDrafts } from './chat/drafts.ts'
import { SignIn } from './session/sign-in.tsx'

/** With `?devtools` in the address the page comes with hands on its network; otherwise nothing of that is loaded. */
const SignedIn = lazy(async () => {
  const hasDevtools = new URLSearchParams(window.location.search).has('devtools')
  if (hasDevtools) return { default: (await import('./with-devtools.tsx')).SignedInWithDevtools }
  return { default: (await import('./signed-in.tsx')).SignedIn }
})

const environment = browserEnvironment()

const visitors = createVisitorStore(environment.storage)

function signIn(session: Session): void {
  const before = visitors.current()
  // Also what was handed back after the one before had signed out.
  if (before.status === 'signed-out' && before.ended === undefined) forgetDrafts()
  visitors.signIn(session)
}

export function App() {
  const visitor = useVisitor(visitors)
  return visitor.status === 'signed-out' ? (
    <SignIn environment={environment} ended={visitor.ended} onSignedIn={signIn} />
  ) : (
    <Suspense fallback={<Opening />}>
      <SignedIn
        key={visitor.session.being.id}
        environment={environment}
        session={visitor.session}
        visitors={visitors}
      />
    </Suspense>
  )
}

const Opening = () => (
  <main className="sign-in">
    <p className="quiet">Opening rhizom…</p>
  </main>
)
