/** Drawing pages on a server: what their spaces are is read before, and goes along with the markup. */
import type { SpaceId } from '@rhizom/protocol'
import type { SpaceContent } from '../core/space-content.ts'
import { writeDehydrated } from './dehydrated.ts'
import { whenLoaded } from './loading.ts'
import type { HookClient } from './rhizom-context.ts'

export interface LoadOptions {
  /** So long it may take; what has not come until then is drawn as loading. 3 s by default. */
  patienceMs?: number
}

/**
 * Connects a client, on a server one for each request, and resolves when these spaces can be drawn: they are there, or
 * may not be read, or took too long.
 */
export async function loadSpaces(
  client: HookClient,
  ids: readonly SpaceId[],
  { patienceMs = 3_000 }: LoadOptions = {},
): Promise<void> {
  client.connect()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise((resolve) => (timer = setTimeout(resolve, patienceMs)))
  await Promise.race([Promise.all(ids.map((id) => whenLoaded(client, id))), late])
  clearTimeout(timer)
}

/**
 * All that the client's store holds, as text for the page that was drawn from it: give it to `RhizomProvider` (or
 * `createQueryStore`) there as `dehydrated`. It is JSON that may stand inside of a `script` element, whatever people
 * wrote.
 */
export function dehydrateStore({ store }: HookClient): string {
  const spaces: Record<SpaceId, SpaceContent> = {}
  for (const id of store.servedSpaces()) {
    const { content } = store.served(id)
    if (content !== undefined) spaces[id] = content
  }
  const queries = ['being', 'space-list'].flatMap((kind) =>
    store.queryClient
      .getQueryCache()
      .findAll({ queryKey: [kind], predicate: ({ state }) => state.status === 'success' })
      .map((query) => ({ queryKey: query.queryKey, data: query.state.data, updatedAt: query.state.dataUpdatedAt })),
  )
  return writeDehydrated({ spaces, queries })
}
