/** Puts a client within reach of the hooks and keeps it connected while it is on the page. */
import { QueryClientProvider } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect } from 'react'
import type { RhizomClient } from '../client.ts'
import type { QueryStore } from './query-store.ts'

/** A client whose store the hooks can read: made with `store: createQueryStore(queryClient)`. */
export type HookClient = RhizomClient<QueryStore>

const ClientContext = createContext<HookClient | null>(null)

/** Connects the client when mounted and disconnects it when unmounted. */
export function RhizomProvider({ client, children }: { client: HookClient; children: ReactNode }) {
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
  return (
    <ClientContext value={client}>
      <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
    </ClientContext>
  )
}

/** The client of the nearest provider. Throws outside of one: that is a mistake in the page. */
export function useRhizom(): HookClient {
  const client = useContext(ClientContext)
  if (client === null) throw new Error('useRhizom and the other hooks need a <RhizomProvider> above them')
  return client
}
