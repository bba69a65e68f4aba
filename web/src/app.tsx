/**
 * Who one is decides what is shown: the sign-in page, or the shell around the pages with a client of that session. A
 * session that is over leads back to the sign-in page, which says so; what was typed is still there afterwards.
 */
import {
  browserEnvironment,
  createClient,
  forgetSession,
  loadSession,
  saveSession,
  SESSION_KEY,
  type Session,
} from '@rhizom/client'
import { createQueryStore, RhizomProvider, usePreventUnsaved } from '@rhizom/client/react'
import { QueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { usePathname } from 'wouter/use-browser-location'
import { Boundary } from './fault/boundary.tsx'
import { PageFault } from './fault/page-fault.tsx'
import { Home } from './spaces/home.tsx'
import { SpacePage } from './spaces/space-page.tsx'
import { NotFound } from './not-found.tsx'
import { type Route, routeOf } from './route.ts'
import { forgetDrafts } from './chat/drafts.ts'
import { draftUnsaid } from './chat/draft-unsaid.ts'
import { SessionEnd } from './session/session-end.tsx'
import { type EndedSession, forgetEnded, loadEnded, saveEnded } from './session/ended-session.ts'
import { SignIn } from './session/sign-in.tsx'
import { SignOutContext } from './session/sign-out.ts'
import { Shell } from './shell.tsx'

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

/** Another tab signed out, or somebody else in: this one follows, since one browser is one person's. */
function onVisitorChanged(self: string | undefined, listener: () => void): () => void {
  const look = ({ key }: StorageEvent) => {
    if (key !== null && key !== SESSION_KEY) return
    if (loadSession(environment.storage)?.being.id !== self) listener()
  }
  window.addEventListener('storage', look)
  return () => window.removeEventListener('storage', look)
}

/** A renewal is kept only over the session that it renews: another tab may have signed somebody else in. */
function keepRenewed(renewed: Session): void {
  if (loadSession(environment.storage)?.being.id === renewed.being.id) saveSession(environment.storage, renewed)
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
  useEffect(() => (self === undefined ? onVisitorChanged(undefined, lookAgain) : undefined), [self, lookAgain])
  return visitor.status === 'signed-out' ? (
    <SignIn environment={environment} ended={visitor.ended} onSignedIn={signIn} />
  ) : (
    <SignedIn key={visitor.session.being.id} session={visitor.session} onLeft={leave} onReplaced={lookAgain} />
  )
}

interface SignedInProps {
  session: Session
  /** Told who one was if the session ended by itself, and undefined if one signed out. */
  onLeft: (ended: EndedSession | undefined) => void
  /** Another tab signed out, or somebody else in. */
  onReplaced: () => void
}

function SignedIn({ session, onLeft, onReplaced }: SignedInProps) {
  const client = useMemo(
    () =>
      createClient({
        session,
        environment,
        baseUrl: window.location.origin,
        store: createQueryStore(new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false } } })),
        onSessionRenewed: keepRenewed,
      }),
    [session],
  )
  const leave = useCallback(
    (ended: EndedSession | undefined) => {
      // Nobody will be this being again: what it could not say any more is for the next to send or drop.
      if (ended !== undefined) {
        draftUnsaid(client)
        client.close()
      }
      void client.erase()
      onLeft(ended)
    },
    [client, onLeft],
  )
  const signOut = useCallback(() => leave(undefined), [leave])
  useEffect(
    () =>
      onVisitorChanged(session.being.id, () => {
        if (loadEnded(environment.storage) !== undefined) draftUnsaid(client)
        client.close()
        onReplaced()
      }),
    [client, session, onReplaced],
  )
  return (
    <SignOutContext value={signOut}>
      <RhizomProvider client={client}>
        <SessionEnd onEnded={leave} />
        <PreventUnsaved />
        <Pages />
      </RhizomProvider>
    </SignOutContext>
  )
}

function PreventUnsaved() {
  usePreventUnsaved()
  return null
}

function Pages() {
  const pathname = usePathname()
  const route = routeOf(pathname)
  return (
    <Shell route={route}>
      <Boundary of={pathname} fallback={<PageFault route={route} />}>
        <Page route={route} />
      </Boundary>
    </Shell>
  )
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'home':
      return <Home />
    case 'space':
      return <SpacePage key={route.id} id={route.id} />
    case 'not-found':
      return <NotFound meant={route.meant} />
    default:
      return route satisfies never
  }
}
