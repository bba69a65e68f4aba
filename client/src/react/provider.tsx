/** Puts a client within reach of the hooks and keeps it connected while it is on the page. */
import { QueryClient } from '@tanstack/react-query'
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { type ClientOptions, createClient } from '../client.ts'
import { browserEnvironment } from '../runtime/environment.ts'
import type { Session } from '../runtime/storage.ts'
import { askForSession } from '../session/ask-for-session.ts'
import { saveIfKept } from '../session/guest-session.ts'
import { createQueryStore } from './query-store.ts'
import { ClientContext, type HookClient } from './rhizom-context.ts'
import { usePreventUnsaved } from './use-mutate.ts'
import { listenForEnd } from './use-session-end.ts'
import { spacesKey } from './use-spaces.ts'

interface Children {
  children: ReactNode
}

/** What the provider makes a client of. All but `session` is read when that is there, and not again. */
export interface SessionProps extends Partial<Omit<ClientOptions, 'session' | 'store'>> {
  /**
   * Who it is, or a function that finds out, asked again until it does; as `() => guestSession('Ada')`. A function is
   * asked as well when the session is over, and has to give another one then.
   */
  session: Session | (() => Promise<Session>)
  /** The cache that spaces are kept in; one of its own by default. */
  queryClient?: QueryClient
  /** What came with a page that a server drew: the text of `dehydrateStore`. */
  dehydrated?: string
  /** Shown until there is a session. */
  fallback?: ReactNode
}

export type ProviderProps = Children & {
  /** Ask before the page is left with something that is neither sent nor kept, as `usePreventUnsaved`. */
  preventUnsaved?: boolean
} & ({ client: HookClient } | SessionProps)

/**
 * Connects when mounted and disconnects when unmounted: the client it is given, or one that it makes for a session. The
 * app's own `QueryClientProvider` is left alone, wherever it stands.
 */
export function RhizomProvider({ preventUnsaved = false, children, ...props }: ProviderProps) {
  const all = (
    <>
      {preventUnsaved && <PreventUnsaved />}
      {children}
    </>
  )
  return 'client' in props ? (
    <ConnectedClient {...props}>{all}</ConnectedClient>
  ) : (
    <ClientOfSession {...props}>{all}</ClientOfSession>
  )
}

function PreventUnsaved() {
  usePreventUnsaved()
  return null
}

/** A session that a function gave. */
interface Given {
  session: Session
  /** Each has a client of its own. */
  serial: number
  /** The client of it, once it is over. */
  over?: HookClient
}

function ClientOfSession({ session: source, fallback = null, ...rest }: SessionProps & Children) {
  const [environment] = useState(() => rest.environment ?? browserEnvironment())
  const [given, setGiven] = useState<Given>()
  const current = useRef(source)
  useEffect(() => {
    current.current = source
  })
  const over = given?.over
  const isAsked = typeof source === 'function' && (given === undefined || over !== undefined)
  useEffect(() => {
    if (!isAsked) return undefined
    const ask = async () => {
      const session = typeof current.current === 'function' ? await current.current() : current.current
      if (session.token === over?.session().token) throw new Error('the session that is over was given again')
      return session
    }
    return askForSession(environment, ask, (session) => {
      // What it could not send is kept, and sent by the next one of the same being.
      over?.close()
      setGiven((before) => ({ session, serial: (before?.serial ?? 0) + 1 }))
    })
  }, [environment, isAsked, over])
  const noteOver = useCallback((client: HookClient) => setGiven((now) => now && { ...now, over: client }), [])
  if (typeof source !== 'function')
    return <OwnClient key={source.being.id} {...rest} environment={environment} session={source} />
  return given === undefined ? (
    fallback
  ) : (
    <OwnClient key={given.serial} {...rest} environment={environment} session={given.session} onOver={noteOver} />
  )
}

interface OwnClientProps extends Omit<SessionProps, 'session' | 'fallback'>, Children {
  environment: NonNullable<ClientOptions['environment']>
  session: Session
  /** Told when no waiting helps any more. */
  onOver?: (client: HookClient) => void
}

function OwnClient({ children, queryClient, dehydrated, onOver, ...options }: OwnClientProps) {
  const [client] = useState(() =>
    createClient({
      onSessionRenewed: (renewed) => saveIfKept(options.environment, renewed),
      ...options,
      store: createQueryStore(queryClient ?? new QueryClient(), { dehydrated }),
    }),
  )
  useEffect(() => onOver && listenForEnd(client, () => onOver(client)), [client, onOver])
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
        if (name.startsWith('space.') && space !== null) void queryClient.invalidateQueries({ queryKey: spacesKey })
      }),
    [client, queryClient],
  )
  return <ClientContext value={client}>{children}</ClientContext>
}
