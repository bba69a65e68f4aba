/** What each status of the connection means for a person: one row each, or this file does not compile. */
import type { SyncStatus } from '../../client/src/core/sync-status.ts'
import { table } from './table.ts'

interface Meaning {
  means: string
  reads: string
  writes: string
}

const WAITS = 'shows at once, waits, goes out by itself'
const AT_ONCE_OR_WAITS = 'at once, or waits where the api is away too'

const MEANINGS: Readonly<Record<SyncStatus['status'], Meaning>> = {
  live: { means: 'changes arrive as they are made', reads: 'what is now', writes: 'at once' },
  polling: { means: 'no gateway can be reached; the api is asked', reads: 'seconds late', writes: 'at once' },
  connecting: { means: 'an attempt is under way', reads: 'what was known last', writes: AT_ONCE_OR_WAITS },
  waiting: {
    means: 'the next attempt has its time',
    reads: 'what was known last',
    writes: AT_ONCE_OR_WAITS,
  },
  offline: { means: 'this device has no network', reads: 'what was known last', writes: WAITS },
  error: {
    means: 'only signing in, a reload or a person helps',
    reads: 'what was known last',
    writes: 'kept; handed back where the session is over',
  },
}

export const statusTable = (): string =>
  table(
    ['status', 'means', 'one reads', 'what one writes'],
    Object.entries(MEANINGS).map(([status, { means, reads, writes }]) => [`\`${status}\``, means, reads, writes]),
  )
