/** Whoever is signed in: the shell around the pages, with a client of that session. Loaded when somebody is. */
import { createClient, type Environment, saveSession, type Session } from '@rhizom/client'
import { createQueryStore, RhizomProvider } from '@rhizom/client/react'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import { usePathname } from 'wouter/use-browser-location'
import { Boundary } from './fault/boundary.tsx'
import { PageFault } from './fault/page-fault.tsx'
import { Home } from './spaces/home.tsx'
import { SpacePage } from './spaces/space-page.tsx'
import { NotFound } from './not-found.tsx'
import { type Route, routeOf } from './route.ts'
import { SessionEnd } from './session/session-end.tsx'
import type { EndedSession } from './session/sign-in.tsx'
import { SignOutContext } from './session/sign-out.ts'
import { Shell } from './shell.tsx'

interface SignedInProps {
  environment: Environment
  session: Session
  /** Told who one was if the session ended by itself, and undefined if one signed out. */
  onLeft: (ended: EndedSession | undefined) => void
}

export function SignedIn({ environment, session, onLeft }: SignedInProps) {
  const client = useMemo(
    () =>
      createClient({
        session,
        environment,
        store: createQueryStore(new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false } } })),
        onSessionRenewed: (renewed) => saveSession(environment.storage, renewed),
      }),
    [environment, session],
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
      <QueryClientProvider client={client.store.queryClient}>
        <RhizomProvider client={client}>
          <SessionEnd onEnded={leave} />
          <Pages />
        </RhizomProvider>
      </QueryClientProvider>
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
