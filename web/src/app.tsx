/**
 * Who one is decides what is shown: the sign-in page, or the shell around the pages. A session that is over leads back
 * to the sign-in page, which says so; what was typed is still there afterwards.
 */
import { browserEnvironment, forgetSession, loadSession, saveSession, type Session } from '@rhizom/client'
import { lazy, Suspense, useCallback, useEffect, useState } from 'react'
import { forgetDrafts } from './chat/drafts.ts'
import { type EndedSession, forgetEnded, loadEnded, saveEnded } from './session/ended-session.ts'
import { onVisitorChanged } from './session/other-tabs.ts'
import { SignIn } from './session/sign-in.tsx'

const SignedIn = lazy(async () => ({ default: (await import('./signed-in.tsx')).SignedIn }))

const environment = browserEnvironment()

type Visitor =
  | { status: 'signed-in'; session: Session }
  /** `ended` is who one was until the session ended; undefined for a newcomer. */
  | { status: 'signed-out'; ended: EndedSession | undefined }

/** Who this is by the kept session. Whether that is over the server says: the date of this device may be wrong. */
function knownVisitor(): Visitor {
  const session = loadSession(environment.storage)
  return session === undefined
    ? { status: 'signed-out', ended: loadEnded(environment.storage) }
    : { status: 'signed-in', session }
}

export function App() {
  const [visitor, setVisitor] = useState(knownVisitor)
  const isNewcomer = visitor.status === 'signed-out' && visitor.ended === undefined
  const signIn = useCallback(
    (session: Session) => {
      // Also what was handed back after the one before had signed out.
      if (isNewcomer) forgetDrafts()
      forgetEnded(environment.storage)
      saveSession(environment.storage, session)
      setVisitor({ status: 'signed-in', session })
    },
    [isNewcomer],
  )
  const leave = useCallback((ended: EndedSession | undefined) => {
    // The other tabs read why when they see that the session is gone.
    if (ended !== undefined) saveEnded(environment.storage, ended)
    forgetSession(environment.storage)
    setVisitor({ status: 'signed-out', ended })
  }, [])
  const lookAgain = useCallback(() => setVisitor(knownVisitor()), [])
  const self = visitor.status === 'signed-in' ? visitor.session.being.id : undefined
  useEffect(
    () => (self === undefined ? onVisitorChanged(environment.storage, undefined, lookAgain) : undefined),
    [self, lookAgain],
  )
  return visitor.status === 'signed-out' ? (
    <SignIn environment={environment} ended={visitor.ended} onSignedIn={signIn} />
  ) : (
    <Suspense fallback={<Opening />}>
      <SignedIn
        key={visitor.session.being.id}
        environment={environment}
        session={visitor.session}
        onLeft={leave}
        onReplaced={lookAgain}
      />
    </Suspense>
  )
}

const Opening = () => (
  <main className="sign-in">
    <p className="quiet">Opening rhizom…</p>
  </main>
)
