/**
 * The status as it is shown: what lasts less than a second is not. What is good and what has stopped show at once;
 * any other word when it has lasted, so that a connection that is lost and back leaves the page as it was.
 *
 *   settled ─► unsettled ─► settled     by time, or at once when it is good again or has stopped
 */
import { type Machine, stay, type TimePassed } from '@rhizom/machine'
import type { SyncStatus } from './sync-status.ts'

/** How long another word has to last. */
export const BLIP_MS = 1_000

export type ShownStatus =
  | { status: 'settled'; shown: SyncStatus }
  /** `shown` is no more so; `actual` is shown at that time. */
  | { status: 'unsettled'; shown: SyncStatus; actual: SyncStatus; showsAtMs: number }

export type StatusEvent = { type: 'statusChanged'; actual: SyncStatus } | TimePassed

const showsAtOnce = ({ status }: SyncStatus): boolean => status === 'live' || status === 'polling' || status === 'error'

export const shownStatusMachine: Machine<ShownStatus, StatusEvent, never> = {
  step(state, event, { nowMs }) {
    switch (event.type) {
      case 'statusChanged': {
        const { actual } = event
        const { shown } = state
        if (actual.status === shown.status || showsAtOnce(actual)) return stay({ status: 'settled', shown: actual })
        const showsAtMs = state.status === 'unsettled' ? state.showsAtMs : nowMs + BLIP_MS
        // What waits is counted whatever else is shown.
        const counted = { ...shown, pendingCount: actual.pendingCount }
        return stay({ status: 'unsettled', shown: counted, actual, showsAtMs })
      }
      case 'timePassed':
        return state.status === 'unsettled' && nowMs >= state.showsAtMs
          ? stay({ status: 'settled', shown: state.actual })
          : stay(state)
      default:
        return event satisfies never
    }
  },
  wakesAtMs: (state) => (state.status === 'unsettled' ? state.showsAtMs : undefined),
}
