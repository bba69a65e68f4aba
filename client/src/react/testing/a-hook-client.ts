/** A client whose store is the cache of TanStack Query, as the hooks need it. */
import { QueryClient } from '@tanstack/react-query'
import { aClientOn, type TestClient } from '../../testing/a-client.ts'
import { createQueryStore, type QueryStore } from '../query-store.ts'

export const aHookClient = (queryClient: QueryClient = new QueryClient()): TestClient<QueryStore> =>
  aClientOn(createQueryStore(queryClient))
