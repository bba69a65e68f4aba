/**
 * Being here oneself, in one space: as whom, in which state, and what the gateway was told of both. Part of the space's
 * machine (`space.ts`). Whether one is here is told by subscribing; the state is told with every answer, so that a
 * gateway that never heard of it learns it, and in between at most once a window, the latest.
 *
 * A server lists some of a crowd, and of what was just told it does not know yet; but whoever is here through this
 * client sees themselves. What the server lists of oneself goes before what is known here: it also knows of one's other
 * screens.
 */
import type { BeingId, Here, JsonObject } from '@rhizom/protocol'
import type { PresenceState, HereList } from './presence-state.ts'
import { OWN_STATE_WINDOW_MS } from './times.ts'

export interface OwnPresence {
  /** Oneself, for as long as one is here through this client; undefined otherwise. */
  here: Here | undefined
  /** Whether the gateway was last told, by subscribing, that one is here. */
  told: boolean
  state: OwnState
}

export type OwnState =
  | { status: 'unset' }
  /** To be sent when that is possible, and no sooner than a window after the one before it. */
  | { status: 'unsent'; value: JsonObject; notBeforeMs: number }
  | { status: 'sent'; value: JsonObject; sentAtMs: number }

const NO_STATE: JsonObject = {}

export const notHere: OwnPresence = { here: undefined, told: false, state: { status: 'unset' } }

const listedIn = (presence: PresenceState | undefined, being: BeingId): Here | undefined =>
  presence?.here.find((entry) => entry.being === being)

/** From now on one is here as `being`, or not at all: since when the server says, or else since now. */
export function presentAs(
  own: OwnPresence,
  being: BeingId | undefined,
  presence: PresenceState | undefined,
  dateMs: number,
): OwnPresence {
  if (own.here?.being === being) return own
  if (being === undefined) return { ...own, here: undefined }
  const state = own.state.status === 'unset' ? NO_STATE : own.state.value
  return { ...own, here: { being, state, since: listedIn(presence, being)?.since ?? dateMs } }
}

export function withState(own: OwnPresence, value: JsonObject): OwnPresence {
  const here = own.here && { ...own.here, state: value }
  switch (own.state.status) {
    case 'unset':
      return { ...own, here, state: { status: 'unsent', value, notBeforeMs: 0 } }
    case 'unsent':
      return { ...own, here, state: { ...own.state, value } }
    case 'sent':
      return {
        ...own,
        here,
        state: { status: 'unsent', value, notBeforeMs: own.state.sentAtMs + OWN_STATE_WINDOW_MS },
      }
    default:
      return own.state satisfies never
  }
}

/** What was subscribed as. */
export const withTold = (own: OwnPresence, told: boolean): OwnPresence => (own.told === told ? own : { ...own, told })

/** Whether the gateway was last told what is so. */
export const isTold = ({ here, told }: OwnPresence): boolean => told === (here !== undefined)

/** The state to send with an answer, if there is one and one is here; whether it was sent before does not matter. */
export const stateToRepeat = ({ told, state }: OwnPresence): JsonObject | undefined =>
  told && state.status !== 'unset' ? state.value : undefined

/** When a state may be sent that was not yet; undefined if there is none, or one is not here. */
export const sendsAtMs = ({ told, state }: OwnPresence): number | undefined =>
  told && state.status === 'unsent' ? state.notBeforeMs : undefined

export const withSent = (own: OwnPresence, value: JsonObject, sentAtMs: number): OwnPresence => ({
  ...own,
  state: { status: 'sent', value, sentAtMs },
})

/** Remembers since when one is here, for the time when the list no longer says so. */
export function learnSince(own: OwnPresence, presence: PresenceState | undefined): OwnPresence {
  const { here } = own
  const since = here && listedIn(presence, here.being)?.since
  return here === undefined || since === undefined || since === here.since ? own : { ...own, here: { ...here, since } }
}

/** Oneself if one is here and the list does not say so. */
export const unlistedSelf = (presence: PresenceState | undefined, { here }: OwnPresence): Here | undefined =>
  presence === undefined || here === undefined || listedIn(presence, here.being) !== undefined ? undefined : here

/** The list with oneself, if `unlisted`. The count of a crowd includes oneself already, that of a list does not. */
export const withUnlisted = ({ here, hereCount }: HereList, unlisted: Here | undefined): HereList =>
  unlisted === undefined
    ? { here, hereCount }
    : { here: [...here, unlisted], hereCount: Math.max(hereCount, here.length + 1) }
