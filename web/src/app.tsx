/**
 * Who one is decides what is shown: the sign-in page, or the shell around the pages. A session that is over leads back
 * to the sign-in page, which says so; what was typed is still there afterwards.
 */
import { browserEnvironment, forgetSession, loadSession, saveSession, type Session } from '@rhizom/client'
import { lazy, Suspense, useCallback, useState } from 'react'
import { forgetDrafts } from './chat/drafts.ts'
import { type EndedSession, SignIn } from './session/sign-in.tsx'

const SignedIn = lazy(async () => ({ default: (await import('./signed-in.tsx')).SignedIn }))

const environment = browserEnvironment()

type Visitor =
  | { status: 'signed-in'; session: Session }
  /** `ended` is who one was until the session ended; undefined for a newcomer. */
  | { status: 'signed-out'; ended: EndedSession | undefined }

/** Who this is by the kept session, unless that has run out. */
function knownVisitor(): Visitor {
  const session = loadSession(environment.storage)
  if (session === undefined) return { status: 'signed-out', ended: undefined }
  if (session.expiresAt > environment.dateMs()) return { status: 'signed-in', session }
  return {
    status: 'signed-out',
    ended: { name: session.being.name, reason: 'It ran out while this page was closed.' },
  }
}

export function App() {
  const [visitor, setVisitor] = useState(knownVisitor)
  const isNewcomer = visitor.status === 'signed-out' && visitor.ended === undefined
  const signIn = useCallback(
    (session: Session) => {
      // Also what was handed back after the one before had signed out.
      if (isNewcomer) forgetDrafts()
      saveSession(environment.storage, session)
      setVisitor({ status: 'signed-in', session })
    },
    [isNewcomer],
  )
  const leave = useCallback((ended: EndedSession | undefined) => {
    forgetSession(environment.storage)
    setVisitor({ status: 'signed-out', ended })
  }, [])
  return visitor.status === 'signed-out' ? (
    <SignIn environment={environment} ended={visitor.ended} onSignedIn={signIn} />
  ) : (
    <Suspense fallback={<Opening />}>
      <SignedIn key={visitor.session.being.id} environment={environment} session={visitor.session} onLeft={leave} />
    </Suspense>
  )
}

const Opening = () => (
  <main className="sign-in">
    <p className="quiet">Opening rhizom…</p>
  </main>
)
