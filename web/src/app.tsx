/**
 * Who one is decides what is shown: the sign-in page, or the shell around the pages with a client of that session. A
 * session that is over leads back to the sign-in page, which says so; what was typed is still there afterwards.
 */
import { browserEnvironment, createClient, forgetSession, loadSession, saveSession, type Session } from '@rhizom/client'
import { createQueryStore, RhizomProvider } from '@rhizom/client/react'
import { QueryClient } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { usePathname } from 'wouter/use-browser-location'
import { Boundary } from './fault/boundary.tsx'
import { PageFault } from './fault/page-fault.tsx'
import { Home } from './spaces/home.tsx'
import { SpacePage } from './spaces/space-page.tsx'
import { NotFound } from './not-found.tsx'
import { type Route, routeOf } from './route.ts'
import { forgetDrafts } from './chat/drafts.ts'
import { SessionEnd } from './session/session-end.tsx'
import { type EndedSession, SignIn } from './session/sign-in.tsx'
import { SignOutContext } from './session/sign-out.ts'
import { Shell } from './shell.tsx'

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
    <SignedIn key={visitor.session.being.id} session={visitor.session} onLeft={leave} />
  )
}

interface SignedInProps {
  session: Session
  /** Told who one was if the session ended by itself, and undefined if one signed out. */
  onLeft: (ended: EndedSession | undefined) => void
}

function SignedIn({ session, onLeft }: SignedInProps) {
  const client = useMemo(
    () =>
      createClient({
        session,
        environment,
        baseUrl: window.location.origin,
        store: createQueryStore(new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false } } })),
        onSessionRenewed: (renewed) => saveSession(environment.storage, renewed),
      }),
    [session],
  )
  const leave = useCallback(
    (ended: EndedSession | undefined) => {
      client.close()
      onLeft(ended)
    },
    [client, onLeft],
  )
  const signOut = useCallback(() => leave(undefined), [leave])
  return (
    <SignOutContext value={signOut}>
      <RhizomProvider client={client}>
        <SessionEnd onEnded={leave} />
        <Pages />
      </RhizomProvider>
    </SignOutContext>
  )
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
