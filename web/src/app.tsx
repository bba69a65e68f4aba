/** Who is here decides what is shown: the sign-in page, or the shell around the pages with a client of that session. */
import { browserEnvironment, createClient, forgetSession, loadSession, saveSession, type Session } from '@rhizom/client'
import { RhizomProvider } from '@rhizom/client/react'
import { QueryClient } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { Route, Switch } from 'wouter'
import { Home } from './spaces/home.tsx'
import { SpacePage } from './spaces/space-page.tsx'
import { NotFound } from './not-found.tsx'
import { SignIn } from './session/sign-in.tsx'
import { SignOutContext } from './session/sign-out.ts'
import { Shell } from './shell.tsx'

const environment = browserEnvironment()

/** A kept session that has not run out. */
function keptSession(): Session | null {
  const session = loadSession(environment.storage)
  return session !== null && session.expiresAt > environment.nowMs() ? session : null
}

export function App() {
  const [session, setSession] = useState(keptSession)
  const signIn = useCallback((begun: Session) => {
    saveSession(environment.storage, begun)
    setSession(begun)
  }, [])
  const signOut = useCallback(() => {
    forgetSession(environment.storage)
    setSession(null)
  }, [])
  return session === null ? (
    <SignIn environment={environment} onSignedIn={signIn} />
  ) : (
    <SignedIn key={session.being.id} session={session} onSignedOut={signOut} />
  )
}

function SignedIn({ session, onSignedOut }: { session: Session; onSignedOut: () => void }) {
  const client = useMemo(
    () =>
      createClient({
        session,
        environment,
        baseUrl: window.location.origin,
        queryClient: new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false } } }),
        onSessionRenewed: (renewed) => saveSession(environment.storage, renewed),
      }),
    [session],
  )
  const signOut = useCallback(() => {
    client.close()
    onSignedOut()
  }, [client, onSignedOut])
  return (
    <SignOutContext value={signOut}>
      <RhizomProvider client={client}>
        <Shell>
          <Switch>
            <Route path="/" component={Home} />
            <Route path="/spaces/:id">{({ id }) => <SpacePage key={id} id={decodeURIComponent(id)} />}</Route>
            <Route component={NotFound} />
          </Switch>
        </Shell>
      </RhizomProvider>
    </SignOutContext>
  )
}
