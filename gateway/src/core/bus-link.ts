/**
 * The listening connection to Redis: whether what is published arrives here.
 *
 *   disconnected ── connected ──► joining ── all channels confirmed ──► up ── no heads for a while ──► deaf
 *        ▲                          │  ▲                               │                                │
 *        └────── disconnected ──────┴──┼───────── disconnected ────────┴────────────────────────────────┤
 *                                      └───────────────────── heads received ───────────────────────────┘
 *
 * A connection that answers pings may still carry nothing: a primary that was demoted, an address that another server
 * took over, the wrong shard. Since the api announces heads every second, also when there are none, their absence shows
 * it. Heads are missing as well while no api leads; so a deaf connection is given up for another one only where the api
 * has answered meanwhile, and presence, which does not come from the api, is not told of deafness.
 *
 * Connections are numbered, so that what an earlier one is late to say is not taken for a word of this one.
 */
import { type Machine, type Moment, stay, type Step, type TimePassed } from '@rhizom/machine'

export type BusLink =
  /** `isTold`: that nothing arrives was announced. */
  | { status: 'disconnected'; connection: number; isTold: boolean }
  | { status: 'joining'; connection: number; pingAtMs: number; isTold: boolean }
  | { status: 'up'; connection: number; pingAtMs: number; silentAtMs: number }
  | { status: 'deaf'; connection: number; pingAtMs: number; giveUpAtMs: number; hasApiAnswered: boolean }

export type BusLinkEvent =
  | { type: 'connected' }
  | { type: 'disconnected' }
  /** Every wanted channel is confirmed, on the connection named. */
  | { type: 'channelsJoined'; connection: number }
  | { type: 'joinFailed'; connection: number }
  | { type: 'headsReceived' }
  /** The api answered a question asked another way. */
  | { type: 'apiAnswered' }

export type BusLinkEffect =
  /** Join all wanted channels on this connection and say `channelsJoined`. */
  | { type: 'joinChannels'; connection: number }
  | { type: 'ping' }
  /** Give the connection up; another one is made. */
  | { type: 'reconnect' }
  /** Give up every connection to this Redis, which carries nothing; others are made. */
  | { type: 'leaveRedis' }
  /** Nothing arrives any more; `isDeaf` if the connection itself lives. */
  | { type: 'announceLost'; isDeaf: boolean }
  | { type: 'announceRecovered' }

export type BusLinkStep = Step<BusLink, BusLinkEffect>

export interface BusLinkSettings {
  pingEveryMs: number
  /** Without heads for so long the connection counts as deaf. */
  silenceMs: number
  /** A deaf connection is given up after this. */
  deafForMs: number
}

export const startBusLink: BusLink = { status: 'disconnected', connection: 0, isTold: false }

export function stepBusLink(
  state: BusLink,
  event: BusLinkEvent | TimePassed,
  { nowMs }: Moment,
  settings: BusLinkSettings,
): BusLinkStep {
  switch (event.type) {
    case 'connected':
      return join(state, state.connection + 1, nowMs, settings)
    case 'disconnected':
      return disconnected(state)
    case 'channelsJoined':
      return state.status === 'joining' && state.connection === event.connection
        ? joined(state, nowMs, settings)
        : stay(state)
    case 'joinFailed':
      return state.status !== 'disconnected' && state.connection === event.connection
        ? { state, effects: [{ type: 'reconnect' }] }
        : stay(state)
    case 'headsReceived':
      return headsReceived(state, nowMs, settings)
    case 'apiAnswered':
      return stay(state.status === 'deaf' ? { ...state, hasApiAnswered: true } : state)
    case 'timePassed':
      return timePassed(state, nowMs, settings)
    default:
      event satisfies never
      return stay(state)
  }
}

/** Whether it was announced already that nothing arrives any more. */
const isTold = (state: BusLink): boolean =>
  state.status === 'disconnected' || state.status === 'joining' ? state.isTold : false

const lost: BusLinkEffect = { type: 'announceLost', isDeaf: false }

function join(state: BusLink, connection: number, nowMs: number, { pingEveryMs }: BusLinkSettings): BusLinkStep {
  return {
    state: {
      status: 'joining',
      connection,
      pingAtMs: nowMs + pingEveryMs,
      isTold: state.status === 'up' || state.status === 'deaf' || state.isTold,
    },
    effects: [...(state.status === 'up' ? [lost] : []), { type: 'joinChannels', connection }],
  }
}

function joined(
  { connection, pingAtMs }: Extract<BusLink, { status: 'joining' }>,
  nowMs: number,
  { silenceMs }: BusLinkSettings,
): BusLinkStep {
  return {
    state: { status: 'up', connection, pingAtMs, silentAtMs: nowMs + silenceMs },
    effects: [{ type: 'announceRecovered' }],
  }
}

function disconnected(state: BusLink): BusLinkStep {
  const next: BusLink = { status: 'disconnected', connection: state.connection + 1, isTold: true }
  return { state: next, effects: isTold(state) ? [] : [lost] }
}

/** After deafness every channel is joined anew: what is confirmed now is confirmed by a Redis that carries. */
function headsReceived(state: BusLink, nowMs: number, settings: BusLinkSettings): BusLinkStep {
  if (state.status === 'up') return stay({ ...state, silentAtMs: nowMs + settings.silenceMs })
  if (state.status === 'deaf') return join(state, state.connection, nowMs, settings)
  return stay(state)
}

function timePassed(state: BusLink, nowMs: number, settings: BusLinkSettings): BusLinkStep {
  if (state.status === 'disconnected') return stay(state)
  if (state.status === 'up' && state.silentAtMs <= nowMs) {
    const { connection, pingAtMs } = state
    return {
      state: {
        status: 'deaf',
        connection,
        pingAtMs,
        giveUpAtMs: nowMs + settings.deafForMs,
        hasApiAnswered: false,
      },
      effects: [{ type: 'announceLost', isDeaf: true }],
    }
  }
  if (state.status === 'deaf' && state.giveUpAtMs <= nowMs)
    return {
      state: { ...state, giveUpAtMs: nowMs + settings.deafForMs, hasApiAnswered: false },
      effects: state.hasApiAnswered ? [{ type: 'leaveRedis' }] : [],
    }
  if (state.pingAtMs > nowMs) return stay(state)
  return { state: { ...state, pingAtMs: nowMs + settings.pingEveryMs }, effects: [{ type: 'ping' }] }
}

export function busLinkWakesAtMs(state: BusLink): number | undefined {
  switch (state.status) {
    case 'disconnected':
      return undefined
    case 'joining':
      return state.pingAtMs
    case 'up':
      return Math.min(state.pingAtMs, state.silentAtMs)
    case 'deaf':
      return Math.min(state.pingAtMs, state.giveUpAtMs)
    default:
      return state satisfies never
  }
}

export const busLinkMachine = (settings: BusLinkSettings): Machine<BusLink, BusLinkEvent, BusLinkEffect> => ({
  step: (state, event, at) => stepBusLink(state, event, at, settings),
  wakesAtMs: busLinkWakesAtMs,
})
