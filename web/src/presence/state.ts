/**
 * What this page makes of the free states that clients set: `{away: true}` and `{status: 'a few words'}`. On the screen
 * who is here but looks elsewhere is called idle; away are those who are not here at all.
 */
import type { JsonObject } from '@rhizom/protocol'

export const isAway = (state: JsonObject): boolean => state['away'] === true

/** A line somebody set about themselves; undefined if there is none. */
export function statusLineOf(state: JsonObject): string | undefined {
  const line = state['status']
  return typeof line === 'string' && line.trim() !== '' ? line.trim() : undefined
}
