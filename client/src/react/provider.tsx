/** Puts a client within reach of the hooks and keeps it connected while it is on the page. */
import { QueryClientProvider } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect } from 'react'
import type { RhizomClient } from '../client.ts'

const ClientContext = createContext<RhizomClient | null>(null)

/** Connects the client when mounted and disconnects it when unmounted. */
export function RhizomProvider({ client, children }: { client: RhizomClient; children: ReactNode }) {
  useEffect(() => {
    // A turn later: strict mode mounts everything twice, and the first socket would be opened only to be dropped.
    const timer = setTimeout(() => client.connect())
    return () => {
      clearTimeout(timer)
      client.disconnect()
    }
  }, [client])
  return (
    <ClientContext value={client}>
      <QueryClientProvider client={client.queryClient}>{children}</QueryClientProvider>
    </ClientContext>
  )
}

/** The client of the nearest provider. Throws outside of one: that is a mistake in the page. */
export function useRhizom(): RhizomClient {
  const client = useContext(ClientContext)
  if (client === null) throw new Error('useRhizom and the other hooks need a <RhizomProvider> above them')
  return client
}
