/** The client within reach of the hooks. */
import { createContext, useContext } from 'react'
import type { RhizomClient } from '../client.ts'
import type { QueryStore } from './query-store.ts'

/** A client whose store the hooks can read: made with `store: createQueryStore(queryClient)`. */
export type HookClient = RhizomClient<QueryStore>

export const ClientContext = createContext<HookClient | null>(null)

/** The client of the nearest provider. Throws outside of one: that is a mistake in the page. */
export function useRhizom(): HookClient {
  const client = useContext(ClientContext)
  if (client === null) throw new Error('useRhizom and the other hooks need a <RhizomProvider> above them')
  return client
}
