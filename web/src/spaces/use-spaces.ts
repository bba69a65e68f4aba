/** The spaces this session may read, page by page. A list to choose from; what a space holds comes with the space. */
import type { Space } from '@rhizom/protocol'
import { useRhizom } from '@rhizom/client/react'
import { useInfiniteQuery } from '@tanstack/react-query'

const REFRESH_MS = 30_000
const RETRY_MS = 3_000

export function useSpaces() {
  const { http } = useRhizom()
  const query = useInfiniteQuery({
    queryKey: ['spaces'],
    queryFn: async ({ pageParam }) => {
      const result = await http.listSpaces(pageParam)
      if (!result.ok) throw new Error(result.problem.message)
      return result.value
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    // What failed is asked for soon again, and shows as soon as it can.
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_MS : REFRESH_MS),
    refetchOnWindowFocus: true,
    retry: 1,
  })
  const spaces: readonly Space[] = query.data?.pages.flatMap((page) => page.spaces) ?? []
  return { ...query, spaces }
}
