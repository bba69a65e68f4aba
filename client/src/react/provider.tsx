/** Puts a client within reach of the hooks and keeps it connected while it is on the page. */
import { QueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react'
import { type ClientOptions, createClient, type RhizomClient } from '../client.ts'
import { browserEnvironment } from '../runtime/environment.ts'
import type { Session } from '../runtime/storage.ts'
import { askForSession } from '../session/ask-for-session.ts'
import { saveIfKept } from '../session/guest-session.ts'
import { createQueryStore, type QueryStore } from './query-store.ts'

/** A client whose store the hooks can read: made with `store: createQueryStore(queryClient)`. */
export type HookClient = RhizomClient<QueryStore>

const ClientContext = createContext<HookClient | null>(null)

interface Children {
  children: ReactNode
}

/** What the provider makes a client of. All but `session` is read when that is there, and not again. */
export interface SessionProps extends Partial<Omit<ClientOptions, 'session' | 'store'>> {
  /** Who it is, or a function that finds out, asked again until it does; as `() => guestSession('Ada')`. */
  session: Session | (() => Promise<Session>)
  /** The cache that spaces are kept in; one of its own by default. */
  queryClient?: QueryClient
  /** Shown until there is a session. */
  fallback?: ReactNode
}

export type ProviderProps = Children & ({ client: HookClient } | SessionProps)

/**
 * Connects when mounted and disconnects when unmounted: the client it is given, or one that it makes for a session. The
 * app's own `QueryClientProvider` is left alone, wherever it stands.
 */
export function RhizomProvider(props: ProviderProps) {
  return 'client' in props ? <ConnectedClient {...props} /> : <ClientOfSession {...props} />
}

function ClientOfSession({ session: source, fallback = null, ...rest }: SessionProps & Children) {
  const [environment] = useState(() => rest.environment ?? browserEnvironment())
  const [given, setGiven] = useState<Session>()
  const current = useRef(source)
  useEffect(() => {
    current.current = source
  })
  const isAsked = typeof source === 'function' && given === undefined
  useEffect(() => {
    if (!isAsked) return undefined
    const ask = async () => (typeof current.current === 'function' ? current.current() : current.current)
    return askForSession(environment, ask, setGiven)
  }, [environment, isAsked])
  const session = typeof source === 'function' ? given : source
  return session === undefined ? (
    fallback
  ) : (
    <OwnClient key={session.being.id} {...rest} environment={environment} session={session} />
  )
}

interface OwnClientProps extends Omit<SessionProps, 'session' | 'fallback'>, Children {
  environment: NonNullable<ClientOptions['environment']>
  session: Session
}

function OwnClient({ children, queryClient, ...options }: OwnClientProps) {
  const [client] = useState(() =>
    createClient({
      onSessionRenewed: (renewed) => saveIfKept(options.environment, renewed),
      ...options,
      store: createQueryStore(queryClient ?? new QueryClient()),
    }),
  )
  return <ConnectedClient client={client}>{children}</ConnectedClient>
}

function ConnectedClient({ client, children }: Children & { client: HookClient }) {
  const { queryClient } = client.store
  useEffect(() => {
    // A turn later: strict mode mounts everything twice, and the first socket would be opened only to be dropped.
    const timer = setTimeout(() => client.connect())
    return () => {
      clearTimeout(timer)
      client.disconnect()
    }
  }, [client])
  // A being located nowhere is in no log: what was looked up of it is looked up again.
  useEffect(
    () =>
      client.onMutationApplied(({ name, space }) => {
        if (name.startsWith('being.')) void queryClient.invalidateQueries({ queryKey: ['being'] })
        if (name.startsWith('space.') && space !== null) void queryClient.invalidateQueries({ queryKey: ['spaces'] })
      }),
    [client, queryClient],
  )
  return <ClientContext value={client}>{children}</ClientContext>
}

/** The client of the nearest provider. Throws outside of one: that is a mistake in the page. */
export function useRhizom(): HookClient {
  const client = useContext(ClientContext)
  if (client === null) throw new Error('useRhizom and the other hooks need a <RhizomProvider> above them')
  return client
}
