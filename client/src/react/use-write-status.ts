/**
 * Whether what is written is taken. Reading and writing are two things: the one comes from a gateway, the other goes to
 * the api, and each can be away while the other is not.
 */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import type { PendingMutation } from '../core/queue-state.ts'
import { type HookClient, useRhizom } from './rhizom-context.ts'
import { usePendingMutations } from './use-mutate.ts'

export type WriteStatus =
  /** Nothing speaks against it. */
  | { status: 'open' }
  /** Something waits, since the server did not take it: it goes out by itself. */
  | { status: 'waiting'; count: number; reason: string; nextAttemptAtMs: number | undefined }
  /** Nothing waits, and the server would take nothing now; what is written is going to wait. */
  | { status: 'unreachable'; reason: string }

/** While the api gives no answer. Each question costs a look-up in its database: where it answers nobody asks again. */
const AGAIN_MS = 3_000

/** Asks something small that the api has to look up in its database, as it has to for a write. */
const writingQuery = ({ http }: HookClient) => ({
  queryKey: ['writing'],
  queryFn: async () => {
    const answer = await http.currentSession()
    // A server that says no is there.
    if (!answer.ok && answer.problem.retry === 'later') throw new Error(answer.problem.message)
    return true
  },
  retry: 1,
  retryDelay: 500,
  staleTime: 0,
  refetchOnWindowFocus: true,
  refetchInterval: ({ state }: { state: { status: string } }) => (state.status === 'error' ? AGAIN_MS : false),
})

const isStuck = ({ attempt, isWithdrawn }: PendingMutation): boolean => attempt > 0 && !isWithdrawn

/**
 * Whether what is written now is taken. The api is asked at the beginning, when the page comes into view, and when a
 * gateway says that it gets no answer there; again every 3 s while it does not answer, and otherwise not at all.
 */
export function useWriteStatus(): WriteStatus {
  const client = useRhizom()
  const stuck = usePendingMutations().filter(isStuck)
  const { isError, error, refetch } = useQuery(writingQuery(client), client.store.queryClient)
  const count = stuck.length
  useEffect(() => {
    // Whoever waited has an answer, good or not: so does the question.
    if (count === 0) void refetch({ cancelRefetch: false })
  }, [count, refetch])
  useEffect(() => client.onApiDoubted(() => void refetch({ cancelRefetch: false })), [client, refetch])
  const first = stuck[0]
  return useMemo(() => {
    if (first !== undefined)
      return {
        status: 'waiting',
        count,
        reason: first.problem ?? 'The server did not answer.',
        nextAttemptAtMs: first.nextAttemptAtMs,
      }
    return isError ? { status: 'unreachable', reason: error.message } : { status: 'open' }
  }, [first, count, isError, error])
}
