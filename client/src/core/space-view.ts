/**
 * A watched space as it is shown: the machine of what is confirmed (`space.ts`) and over it what is pending
 * (`pending.ts`). What the server says goes to the one, what is asked for to the other; the view follows from both, and
 * is the same object for as long as neither changes.
 */
import type { Machine, Moment, Step, TimePassed } from '@rhizom/machine'
import type { Being, MutationId, SpaceId } from '@rhizom/protocol'
import {
  confirmedAmong,
  noteChanges,
  noteReplaced,
  nothingPending,
  type Pending,
  viewOf,
  withEntries,
} from './pending.ts'
import type { QueueEntry } from './queue-state.ts'
import { spaceMachine } from './space.ts'
import type { SpaceContent } from './space-content.ts'
import { initialSpace, type SpaceEffect, type SpaceEvent, type SpaceState } from './space-state.ts'

export interface ShownSpace {
  confirmed: SpaceState
  pending: Pending
  self: Being
  /** What is shown. */
  view: SpaceState
}

export type ShownSpaceEvent =
  | SpaceEvent
  /** What the queue holds for the space. */
  | { type: 'pendingChanged'; entries: readonly QueueEntry[] }
  /** What a former page kept of the space: shown, and marked old, until the server has answered. */
  | { type: 'keptFound'; content: SpaceContent; arrived: readonly MutationId[] }

export type ShownSpaceEffect =
  | SpaceEffect
  /** The content shows what these did without them. */
  | { type: 'confirm'; ids: readonly MutationId[] }

export const initialShownSpace = (id: SpaceId, self: Being, confirmed: SpaceState = initialSpace(id)): ShownSpace => ({
  confirmed,
  pending: nothingPending,
  self,
  view: confirmed,
})

function step(state: ShownSpace, event: ShownSpaceEvent | TimePassed, at: Moment): Step<ShownSpace, ShownSpaceEffect> {
  switch (event.type) {
    case 'pendingChanged':
      return shown(state, { ...state, pending: withEntries(state.pending, event.entries) }, [])
    case 'keptFound': {
      const isFirst = state.confirmed.content === undefined && state.confirmed.subscription.status !== 'closed'
      if (!isFirst) return { state, effects: [] }
      const pending = { ...state.pending, arrived: new Set([...state.pending.arrived, ...event.arrived]) }
      return shown(state, { ...state, pending, confirmed: { ...state.confirmed, content: event.content } }, [])
    }
    default: {
      const { state: confirmed, effects } = spaceMachine.step(state.confirmed, event, at)
      if (confirmed === state.confirmed) return { state, effects }
      const { content } = confirmed
      const before = state.confirmed.content
      const pending =
        content === undefined || content === before ? state.pending : advance(state, event, content, before)
      return shown(state, { ...state, confirmed, pending }, effects)
    }
  }
}

function advance(
  { pending, self }: ShownSpace,
  event: SpaceEvent | TimePassed,
  content: SpaceContent,
  before: SpaceContent | undefined,
): Pending {
  if (pending.entries.length === 0) return pending
  if (event.type === 'snapshotReceived') return noteReplaced(pending, before, content)
  if (event.type !== 'changesReceived' && event.type !== 'resumedReceived') return pending
  const from = before?.position.version ?? 0
  const applied = event.frame.changes.filter(({ version }) => version > from && version <= content.position.version)
  return noteChanges(pending, applied, self.id)
}

/** The next state with its view, and what of it is confirmed. */
function shown(
  before: ShownSpace,
  next: ShownSpace,
  effects: readonly SpaceEffect[],
): Step<ShownSpace, ShownSpaceEffect> {
  const { confirmed, pending, self } = next
  const ids = confirmed.content === undefined ? [] : confirmedAmong(pending, confirmed.content)
  const content =
    confirmed.content === before.confirmed.content && pending === before.pending
      ? before.view.content
      : confirmed.content && viewOf(confirmed.content, pending, self)
  const view =
    content === confirmed.content
      ? confirmed
      : confirmed === before.confirmed && content === before.view.content
        ? before.view
        : { ...confirmed, content }
  return { state: { ...next, view }, effects: ids.length === 0 ? effects : [...effects, { type: 'confirm', ids }] }
}

export const shownSpaceMachine: Machine<ShownSpace, ShownSpaceEvent, ShownSpaceEffect> = {
  step,
  wakesAtMs: ({ confirmed }) => spaceMachine.wakesAtMs(confirmed),
}
