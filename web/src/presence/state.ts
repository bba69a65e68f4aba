/** What this page makes of the free states that clients set: `{away: true}` and `{status: 'a few words'}`. */
import type { JsonObject } from '@rhizom/protocol'

export const isAway = (state: JsonObject): boolean => state['away'] === true

/** A line somebody set about themselves; null if there is none. */
export function statusLineOf(state: JsonObject): string | null {
  const line = state['status']
  return typeof line === 'string' && line.trim() !== '' ? line : null
}
