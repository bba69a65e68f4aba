/** Whoever is signed in: the shell around the pages, with a client of that session. Loaded when somebody is. */
import { createClient, type Environment, type Session } from '@rhizom/client'
import { createQueryStore, RhizomProvider, usePreventUnsaved } from '@rhizom/client/react'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo } from 'react'
import { usePathname } from 'wouter/use-browser-location'
import { Boundary } from './fault/boundary.tsx'
import { PageFault } from './fault/page-fault.tsx'
import { Home } from './spaces/home.tsx'
import { SpacePage } from './spaces/space-page.tsx'
import { NotFound } from './not-found.tsx'
import { type Route, routeOf } from './route.ts'
import { draftUnsaid } from './chat/draft-unsaid.ts'
import { type EndedSession, loadEnded } from './session/ended-session.ts'
import { keepRenewed, onVisitorChanged } from './session/other-tabs.ts'
import { SessionEnd } from './session/session-end.tsx'
import { SignOutContext } from './session/sign-out.ts'
import { Shell } from './shell.tsx'

interface SignedInProps {
  environment: Environment
  session: Session
  /** Told who one was if the session ended by itself, and undefined if one signed out. */
  onLeft: (ended: EndedSession | undefined) => void
  /** Another tab signed out, or somebody else in. */
  onReplaced: () => void
}

export function SignedIn({ environment, session, onLeft, onReplaced }: SignedInProps) {
  const client = useMemo(
    () =>
      createClient({
        session,
        environment,
        store: createQueryStore(new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false } } })),
        onSessionRenewed: (renewed) => keepRenewed(environment.storage, renewed),
      }),
    [environment, session],
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
      onVisitorChanged(environment.storage, session.being.id, () => {
        if (loadEnded(environment.storage) !== undefined) draftUnsaid(client)
        client.close()
        onReplaced()
      }),
    [client, environment, session, onReplaced],
  )
  return (
    <SignOutContext value={signOut}>
      <QueryClientProvider client={client.store.queryClient}>
        <RhizomProvider client={client}>
          <SessionEnd onEnded={leave} />
          <PreventUnsaved />
          <Pages />
        </RhizomProvider>
      </QueryClientProvider>
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
