/** Whoever is signed in: the shell around the pages, with a client of that session. Loaded when somebody is. */
import { createClient, type Environment, type Session } from '@rhizom/client'
import { createQueryStore, RhizomProvider, type VisitorStore, useSessionEnd } from '@rhizom/client/react'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo } from 'react'
import { usePathname } from './location.ts'
import { Boundary } from './fault/boundary.tsx'
import { PageFault } from './fault/page-fault.tsx'
import { Home } from './spaces/home.tsx'
import { SpacePage } from './spaces/space-page.tsx'
import { NotFound } from './not-found.tsx'
import { type Route, routeOf } from './route.ts'
import { draftUnsaid } from './chat/draft-unsaid.ts'
import { SignOutContext } from './session/sign-out.ts'
import { forgetWayIn, hasWayBack } from './session/way-back.ts'
import { Shell } from './shell.tsx'

/** Loaded by those whom a link brought. */
const InviteLanding = lazy(async () => ({ default: (await import('./invites/invite-landing.tsx')).InviteLanding }))

export interface SignedInProps {
  environment: Environment
  session: Session
  visitors: VisitorStore
  /** Stands over the pages. */
  children?: ReactNode
}

export function SignedIn({ environment, session, visitors, children }: SignedInProps) {
  const client = useMemo(
    () =>
      createClient({
        session,
        environment,
        store: createQueryStore(new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false } } })),
        onSessionRenewed: visitors.renewed,
      }),
    [environment, session, visitors],
  )
  const signOut = useCallback(() => {
    void client.erase()
    visitors.signOut()
    forgetWayIn(environment.storage)
    void client.http.endSession()
  }, [client, visitors, environment])
  const end = useCallback(
    (reason: string) => {
      // Nobody will be this being again: what it could not say any more is for the next to send or drop.
      draftUnsaid(client)
      client.close()
      void client.erase()
      visitors.end({ name: client.session().being.name, reason })
    },
    [client, visitors],
  )
  // Another tab signed out, or somebody else in.
  useEffect(
    () =>
      visitors.onReplaced((next) => {
        if (next.status === 'signed-out' && next.ended !== undefined) draftUnsaid(client)
        client.close()
      }),
    [client, visitors],
  )
  const signingOut = useMemo(() => ({ signOut, hasWayBack: hasWayBack(environment.storage) }), [signOut, environment])
  return (
    <SignOutContext value={signingOut}>
      <QueryClientProvider client={client.store.queryClient}>
        <RhizomProvider client={client} preventUnsaved>
          <SessionEnd onEnd={end} />
          <Pages />
          {children}
        </RhizomProvider>
      </QueryClientProvider>
    </SignOutContext>
  )
}

function SessionEnd({ onEnd }: { onEnd: (reason: string) => void }) {
  useSessionEnd(onEnd)
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
    case 'invite':
      return (
        <Suspense fallback={null}>
          <InviteLanding />
        </Suspense>
      )
    case 'not-found':
      return <NotFound meant={route.meant} />
    default:
      return route satisfies never
  }
}
