/** `POST /internal/last-seen` of the api; the next address is tried after one that failed. */
import type { LastSeenBody } from '@rhizom/protocol'
import type { LastSeenPorts } from './last-seen.ts'

export interface LastSeenPostSettings {
  urls: readonly string[]
  internalToken: string
  timeoutMs: number
}

export function createLastSeenPost({ urls, internalToken, timeoutMs }: LastSeenPostSettings): LastSeenPorts['post'] {
  let current = 0
  return async (beings) => {
    const body: LastSeenBody = { beings: [...beings] }
    try {
      const response = await fetch(`${urls[current % urls.length] ?? ''}/internal/last-seen`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${internalToken}` },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      await response.arrayBuffer()
      if (response.ok) return true
    } catch {
      // Told by the outcome, counted by the caller, and tried again with the next batch.
    }
    current += 1
    return false
  }
}
