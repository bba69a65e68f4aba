/**
 * The machine that keeps one socket to a gateway alive. It decides; `sync/connector.ts` does.
 *
 *   idle ─► connecting ─► authenticating ─► live ─► draining
 *               ▲               │             │        │       any end of an attempt, however it came about,
 *               │               └─────────────┴────────┤       leads into waiting, and out of it only time leads
 *   renewing ◄──┴─────────── waiting ◄─────────────────┘       (or a person, or a network that came back)
 *                               └─► stopped                    only for what coming back cannot help
 *
 * Each state has at most one deadline. Events of a socket that was closed by this side are the shell's to drop.
 */
import { backoffMs, type Machine, type Moment, stay, type Step } from '@rhizom/machine'
import { CLOSE_CODE, closePolicy, TIMES } from '@rhizom/protocol'
import type {
  DisconnectCause,
  ConnectionEffect,
  ConnectionEvent,
  ConnectionState,
  InState as Of,
} from './connection-state.ts'
import { BACKOFF, CONNECTION_TIMES } from './times.ts'

type ConnectionStep = Step<ConnectionState, ConnectionEffect>

export const idle: ConnectionState = { status: 'idle' }

function wakesAtMs(state: ConnectionState): number | undefined {
  switch (state.status) {
    case 'connecting':
    case 'authenticating':
    case 'renewing':
      return state.givesUpAtMs
    case 'live':
    case 'draining':
      return state.deadAtMs
    case 'waiting':
      return state.retryAtMs
    case 'idle':
    case 'stopped':
      return undefined
    default:
      return state satisfies never
  }
}

function step(state: ConnectionState, event: ConnectionEvent, at: Moment): ConnectionStep {
  if (event.type === 'disconnectRequested')
    return { state: idle, effects: hasSocket(state) ? [{ type: 'closeSocket' }] : [] }
  if (event.type === 'sessionExpired' && state.status !== 'idle' && state.status !== 'stopped')
    return {
      state: { status: 'stopped', sinceMs: at.nowMs, cause: { kind: 'sessionEnded', message: event.message } },
      effects: hasSocket(state) ? [{ type: 'closeSocket' }] : [],
    }
  switch (state.status) {
    case 'idle':
      return event.type === 'connectRequested' ? connect(0, at.nowMs, undefined, at) : stay(state)
    case 'connecting':
      return whileConnecting(state, event, at)
    case 'authenticating':
      return whileAuthenticating(state, event, at)
    case 'live':
    case 'draining':
      return whileOpen(state, event, at)
    case 'waiting':
      return whileWaiting(state, event, at)
    case 'renewing':
      return whileRenewing(state, event, at)
    case 'stopped':
      return event.type === 'retryRequested' ? connect(0, at.nowMs, state.cause, at) : stay(state)
    default:
      return state satisfies never
  }
}

const hasSocket = (state: ConnectionState): boolean =>
  state.status === 'connecting' ||
  state.status === 'authenticating' ||
  state.status === 'live' ||
  state.status === 'draining'

function connect(attempt: number, downSinceMs: number, cause: DisconnectCause | undefined, at: Moment): ConnectionStep {
  const givesUpAtMs = at.nowMs + CONNECTION_TIMES.connectTimeoutMs
  return {
    state: { status: 'connecting', attempt, downSinceMs, cause, givesUpAtMs },
    effects: [{ type: 'openSocket' }],
  }
}

/** The one way out of an attempt that failed or a connection that ended. */
function wait(
  from: { attempt: number; downSinceMs: number; notBeforeMs?: number },
  cause: DisconnectCause,
  token: 'held' | 'needed',
  at: Moment,
): ConnectionStep {
  const notBeforeMs = from.notBeforeMs ?? 0
  const retryAtMs = at.nowMs + backoffMs(BACKOFF, from.attempt, at.random, notBeforeMs - at.nowMs)
  const { attempt, downSinceMs } = from
  return stay({ status: 'waiting', attempt: attempt + 1, downSinceMs, cause, retryAtMs, notBeforeMs, token })
}

const letGo = ({ state }: ConnectionStep): ConnectionStep => ({ state, effects: [{ type: 'closeSocket' }] })

/** What a close means is in its code alone. */
function closed(
  from: { attempt: number; downSinceMs: number; notBeforeMs?: number },
  cause: DisconnectCause & { kind: 'closed' },
  at: Moment,
): ConnectionStep {
  const policy = closePolicy(cause.code)
  switch (policy) {
    case 'stop':
      return stay({ status: 'stopped', sinceMs: at.nowMs, cause })
    case 'new-token':
      return wait(from, cause, 'needed', at)
    case 'reconnect':
      return wait(from, cause, 'held', at)
    default:
      return policy satisfies never
  }
}

const causeOf = (event: { code: number; reason: string }): DisconnectCause & { kind: 'closed' } => ({
  kind: 'closed',
  code: event.code,
  reason: event.reason,
})

function whileConnecting(state: Of<'connecting'>, event: ConnectionEvent, at: Moment): ConnectionStep {
  switch (event.type) {
    case 'socketOpened':
      return {
        state: {
          ...state,
          status: 'authenticating',
          givesUpAtMs: at.nowMs + CONNECTION_TIMES.connectTimeoutMs,
          notBeforeMs: 0,
        },
        effects: [{ type: 'sendHello' }],
      }
    case 'socketClosed':
      return closePolicy(event.code) === 'reconnect'
        ? wait(state, { kind: 'unreachable' }, 'held', at)
        : closed(state, causeOf(event), at)
    case 'timePassed':
      return at.nowMs < state.givesUpAtMs
        ? stay(state)
        : letGo(wait(state, { kind: 'timedOut', during: 'connecting' }, 'held', at))
    default:
      return stay(state)
  }
}

function whileAuthenticating(state: Of<'authenticating'>, event: ConnectionEvent, at: Moment): ConnectionStep {
  switch (event.type) {
    case 'welcomed': {
      const { connectionId, heartbeatMs } = event
      const deadAtMs = at.nowMs + patienceMs(heartbeatMs)
      const { attempt, notBeforeMs } = state
      return {
        state: { status: 'live', connectionId, sinceMs: at.nowMs, attempt, heartbeatMs, deadAtMs, notBeforeMs },
        effects: [{ type: 'announceLive' }],
      }
    }
    case 'delayRequested':
      return stay({ ...state, notBeforeMs: Math.max(state.notBeforeMs, at.nowMs + event.retryAfterMs) })
    case 'goodbyeReceived':
      return stay({ ...state, notBeforeMs: at.nowMs + event.reconnectAfterMs })
    case 'tokenRenewed':
      // hello said the former one.
      return { state, effects: [{ type: 'sendRefresh' }] }
    case 'socketClosed':
      return closed(state, causeOf(event), at)
    case 'timePassed':
      return at.nowMs < state.givesUpAtMs
        ? stay(state)
        : letGo(wait(state, { kind: 'timedOut', during: 'authenticating' }, 'held', at))
    default:
      return stay(state)
  }
}

const liveAs = (
  { connectionId, heartbeatMs }: { connectionId: string; heartbeatMs: number },
  attempt: number,
  at: Moment,
): Of<'live'> => ({
  status: 'live',
  connectionId,
  sinceMs: at.nowMs,
  attempt,
  heartbeatMs,
  deadAtMs: at.nowMs + patienceMs(heartbeatMs),
  notBeforeMs: 0,
})

const patienceMs = (heartbeatMs: number): number => heartbeatMs * TIMES.deadAfterHeartbeats

function whileOpen(state: Of<'live'> | Of<'draining'>, event: ConnectionEvent, at: Moment): ConnectionStep {
  switch (event.type) {
    case 'frameReceived':
      return stay({ ...state, deadAtMs: at.nowMs + patienceMs(state.heartbeatMs) })
    case 'goodbyeReceived': {
      // The gateway goes on serving until it closes: what it still sends is worth having.
      const notBeforeMs = at.nowMs + event.reconnectAfterMs
      return stay({ ...state, status: 'draining', reason: event.reason, notBeforeMs })
    }
    case 'delayRequested':
      return stay({ ...state, notBeforeMs: Math.max(state.notBeforeMs, at.nowMs + event.retryAfterMs) })
    case 'handedOver':
      return stay(liveAs(event, 0, at))
    case 'tokenRenewed':
      return { state, effects: [{ type: 'sendRefresh' }] }
    case 'networkFound':
    case 'networkLost':
    case 'pageShown':
    case 'retryRequested': {
      // After sleep or a change of network a socket can look open and be dead: ask, and do not wait long.
      const { probeMs, lostProbeMs } = CONNECTION_TIMES
      const patience = event.type === 'networkLost' ? lostProbeMs : probeMs
      const deadAtMs = Math.min(state.deadAtMs, at.nowMs + patience)
      return { state: { ...state, deadAtMs }, effects: [{ type: 'sendPing' }] }
    }
    case 'socketClosed': {
      const lost = lostFrom(state, at)
      const drained = state.status === 'draining' && closePolicy(event.code) === 'reconnect'
      return drained
        ? wait(lost, { kind: 'drained', reason: state.reason }, 'held', at)
        : closed(lost, causeOf(event), at)
    }
    case 'timePassed':
      return at.nowMs < state.deadAtMs ? stay(state) : letGo(wait(lostFrom(state, at), { kind: 'silent' }, 'held', at))
    default:
      return stay(state)
  }
}

/** A connection that ends right after it began is one more failure: only one that lasted forgives those before. */
function lostFrom(state: Of<'live'> | Of<'draining'>, at: Moment) {
  const lasted = at.nowMs - state.sinceMs >= CONNECTION_TIMES.lastingAfterMs
  return { attempt: lasted ? 0 : state.attempt, downSinceMs: at.nowMs, notBeforeMs: state.notBeforeMs }
}

function whileWaiting(state: Of<'waiting'>, event: ConnectionEvent, at: Moment): ConnectionStep {
  switch (event.type) {
    case 'timePassed':
      return at.nowMs < state.retryAtMs ? stay(state) : tryAgain(state, at)
    case 'handedOver':
      // The former one went before all were answered: those who were not ask again.
      return { state: liveAs(event, state.attempt, at), effects: [{ type: 'announceLive' }] }
    case 'retryRequested':
      return at.nowMs < state.notBeforeMs ? stay({ ...state, retryAtMs: state.notBeforeMs }) : tryAgain(state, at)
    case 'networkFound':
    case 'pageShown': {
      // Sooner, but never at once: a network that flaps must not become a loop without pauses.
      const soonMs = at.nowMs + BACKOFF.minMs + Math.floor(at.random * BACKOFF.baseMs)
      return stay({ ...state, retryAtMs: Math.min(state.retryAtMs, Math.max(soonMs, state.notBeforeMs)) })
    }
    case 'tokenRenewed':
      return stay({ ...state, token: 'held' })
    case 'tokenRefused':
      return stay({ status: 'stopped', sinceMs: at.nowMs, cause: { kind: 'sessionEnded', message: event.message } })
    default:
      return stay(state)
  }
}

function tryAgain(state: Of<'waiting'>, at: Moment): ConnectionStep {
  const { attempt, downSinceMs, cause, token } = state
  if (token === 'held') return connect(attempt, downSinceMs, cause, at)
  const givesUpAtMs = at.nowMs + CONNECTION_TIMES.renewTimeoutMs
  return {
    state: { status: 'renewing', attempt, downSinceMs, cause, givesUpAtMs },
    effects: [{ type: 'renewToken' }],
  }
}

function whileRenewing(state: Of<'renewing'>, event: ConnectionEvent, at: Moment): ConnectionStep {
  switch (event.type) {
    case 'tokenRenewed':
      return connect(state.attempt, state.downSinceMs, state.cause, at)
    case 'tokenRenewalFailed': {
      const notBeforeMs = at.nowMs + event.retryAfterMs
      return wait({ ...state, notBeforeMs }, { kind: 'tokenUnavailable', message: event.message }, 'needed', at)
    }
    case 'tokenRefused':
      return stay({ status: 'stopped', sinceMs: at.nowMs, cause: { kind: 'sessionEnded', message: event.message } })
    case 'timePassed':
      return at.nowMs < state.givesUpAtMs
        ? stay(state)
        : wait(state, { kind: 'timedOut', during: 'renewing' }, 'needed', at)
    default:
      return stay(state)
  }
}

/** Whether a cause can only be helped by signing in again. */
export const needsSignIn = (cause: DisconnectCause): boolean =>
  cause.kind === 'sessionEnded' || (cause.kind === 'closed' && cause.code === CLOSE_CODE.notAuthenticated)

export const connectionMachine: Machine<ConnectionState, ConnectionEvent, ConnectionEffect> = { step, wakesAtMs }
