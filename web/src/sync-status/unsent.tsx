/**
 * What waits to be sent, from all spaces and tabs, and whether it outlives this page. Silent while all goes its way.
 */
import { useKeeping, usePendingMutations } from '@rhizom/client/react'

export function Unsent() {
  const keeping = useKeeping()
  const stuck = usePendingMutations().filter(({ attempt, isWithdrawn }) => attempt > 0 && !isWithdrawn)
  if (stuck.length === 0 && keeping.status !== 'not-kept') return null
  return (
    <div className="unsent quiet small-text" role="status">
      {stuck.length > 0 && (
        <p data-testid="unsent">
          {stuck.length === 1 ? 'One thing waits' : `${stuck.length} things wait`} to be sent
          {keeping.status === 'kept' ? '. It is kept on this device.' : '.'}
        </p>
      )}
      {keeping.status === 'not-kept' && <p data-testid="not-kept">Nothing is kept on this device: {keeping.why}</p>}
    </div>
  )
}
