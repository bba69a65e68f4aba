/**
 * The whole machine as one table: for every state and every event the status that follows and the effects. The type
 * has no optional cell, so that a new event or state does not compile until it says here what it means.
 */
import { CLOSE } from '@rhizom/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { connectionMachine } from './connection.ts'
import type { DisconnectCause, ConnectionEffect, ConnectionEvent, ConnectionState } from './connection-state.ts'
import { STATUS_TABLE } from './status-table.ts'
import { dated, syncStatusOf } from './sync-status.ts'
import { BACKOFF, CONNECTION_TIMES } from './times.ts'

const { step, wakesAtMs } = connectionMachine

const NOW = 1_000_000
const moment = (nowMs: number, random: number) => ({ nowMs, dateMs: nowMs + 1_800_000_000_000, random })
const at = moment(NOW, 0.5)
const lost: DisconnectCause = { kind: 'closed', code: 1006, reason: '' }

type Status = ConnectionState['status']
type Type = ConnectionEvent['type']

const states: { [S in Status]: Extract<ConnectionState, { status: S }> } = {
  idle: { status: 'idle' },
  connecting: { status: 'connecting', attempt: 2, downSinceMs: 5, cause: lost, givesUpAtMs: NOW },
  authenticating: {
    status: 'authenticating',
    attempt: 2,
    downSinceMs: 5,
    cause: lost,
    givesUpAtMs: NOW,
    notBeforeMs: 0,
  },
  live: {
    status: 'live',
    connectionId: 's',
    sinceMs: NOW - 60_000,
    attempt: 2,
    heartbeatMs: 1000,
    deadAtMs: NOW,
    notBeforeMs: 0,
  },
  draining: {
    status: 'draining',
    connectionId: 's',
    sinceMs: NOW - 60_000,
    attempt: 2,
    heartbeatMs: 1000,
    deadAtMs: NOW,
    notBeforeMs: NOW + 3000,
    reason: 'draining',
  },
  waiting: {
    status: 'waiting',
    attempt: 2,
    downSinceMs: 5,
    cause: lost,
    retryAtMs: NOW,
    notBeforeMs: 0,
    token: 'held',
  },
  renewing: { status: 'renewing', attempt: 2, downSinceMs: 5, cause: lost, givesUpAtMs: NOW },
  stopped: { status: 'stopped', sinceMs: 5, cause: lost },
}

const events: { [T in Type]: Extract<ConnectionEvent, { type: T }> } = {
  connectRequested: { type: 'connectRequested' },
  disconnectRequested: { type: 'disconnectRequested' },
  retryRequested: { type: 'retryRequested' },
  socketOpened: { type: 'socketOpened' },
  socketClosed: { type: 'socketClosed', code: 1006, reason: '' },
  frameReceived: { type: 'frameReceived' },
  welcomed: { type: 'welcomed', connectionId: 's', heartbeatMs: 1000 },
  goodbyeReceived: { type: 'goodbyeReceived', reason: 'draining', reconnectAfterMs: 3000 },
  delayRequested: { type: 'delayRequested', retryAfterMs: 3000 },
  handedOver: { type: 'handedOver', connectionId: 'next', heartbeatMs: 1000 },
  tokenRenewed: { type: 'tokenRenewed' },
  tokenRenewalFailed: { type: 'tokenRenewalFailed', message: 'away', retryAfterMs: 3000 },
  tokenRefused: { type: 'tokenRefused', message: 'over' },
  sessionExpired: { type: 'sessionExpired', message: 'over' },
  networkFound: { type: 'networkFound' },
  networkLost: { type: 'networkLost' },
  pageShown: { type: 'pageShown' },
  timePassed: { type: 'timePassed' },
}

/** The status that follows, then the effects in order. */
type Cell = [Status, ...ConnectionEffect['type'][]]

const ignored = (status: Status): Record<Type, Cell> => ({
  connectRequested: [status],
  disconnectRequested: ['idle'],
  retryRequested: [status],
  socketOpened: [status],
  socketClosed: [status],
  frameReceived: [status],
  welcomed: [status],
  goodbyeReceived: [status],
  delayRequested: [status],
  handedOver: [status],
  tokenRenewed: [status],
  tokenRenewalFailed: [status],
  tokenRefused: [status],
  sessionExpired: ['stopped'],
  networkFound: [status],
  networkLost: [status],
  pageShown: [status],
  timePassed: [status],
})

const table: Record<Status, Record<Type, Cell>> = {
  idle: { ...ignored('idle'), sessionExpired: ['idle'], connectRequested: ['connecting', 'openSocket'] },
  connecting: {
    ...ignored('connecting'),
    disconnectRequested: ['idle', 'closeSocket'],
    sessionExpired: ['stopped', 'closeSocket'],
    socketOpened: ['authenticating', 'sendHello'],
    socketClosed: ['waiting'],
    timePassed: ['waiting', 'closeSocket'],
  },
  authenticating: {
    ...ignored('authenticating'),
    disconnectRequested: ['idle', 'closeSocket'],
    sessionExpired: ['stopped', 'closeSocket'],
    welcomed: ['live', 'announceLive'],
    tokenRenewed: ['authenticating', 'sendRefresh'],
    socketClosed: ['waiting'],
    timePassed: ['waiting', 'closeSocket'],
  },
  live: {
    ...ignored('live'),
    disconnectRequested: ['idle', 'closeSocket'],
    sessionExpired: ['stopped', 'closeSocket'],
    retryRequested: ['live', 'sendPing'],
    socketClosed: ['waiting'],
    goodbyeReceived: ['draining'],
    tokenRenewed: ['live', 'sendRefresh'],
    networkFound: ['live', 'sendPing'],
    networkLost: ['live', 'sendPing'],
    pageShown: ['live', 'sendPing'],
    timePassed: ['waiting', 'closeSocket'],
  },
  draining: {
    ...ignored('draining'),
    handedOver: ['live'],
    disconnectRequested: ['idle', 'closeSocket'],
    sessionExpired: ['stopped', 'closeSocket'],
    retryRequested: ['draining', 'sendPing'],
    socketClosed: ['waiting'],
    tokenRenewed: ['draining', 'sendRefresh'],
    networkFound: ['draining', 'sendPing'],
    networkLost: ['draining', 'sendPing'],
    pageShown: ['draining', 'sendPing'],
    timePassed: ['waiting', 'closeSocket'],
  },
  waiting: {
    ...ignored('waiting'),
    handedOver: ['live', 'announceLive'],
    retryRequested: ['connecting', 'openSocket'],
    tokenRefused: ['stopped'],
    timePassed: ['connecting', 'openSocket'],
  },
  renewing: {
    ...ignored('renewing'),
    tokenRenewed: ['connecting', 'openSocket'],
    tokenRenewalFailed: ['waiting'],
    tokenRefused: ['stopped'],
    timePassed: ['waiting'],
  },
  stopped: { ...ignored('stopped'), retryRequested: ['connecting', 'openSocket'] },
}

describe.each(Object.values(states))('C12 $status', (state) => {
  test.each(Object.values(events))('C12 on $type', (event) => {
    const [status, ...effects] = table[state.status][event.type]
    const next = step(state, event, at)
    expect([next.state.status, ...next.effects.map(({ type }) => type)]).toEqual([status, ...effects])
  })
})

const drawn: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  ...Object.values(events).map((event) => fc.constant(event)),
  fc.record({
    type: fc.constant('socketClosed' as const),
    code: fc.integer({ min: 1000, max: 4999 }),
    reason: fc.string(),
  }),
)
const history = fc.array(
  fc.record({ event: drawn, waitMs: fc.nat(20_000), random: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
  { maxLength: 60 },
)

/** Runs a history and calls with each step. */
function run(
  steps: { event: ConnectionEvent; waitMs: number; random: number }[],
  each: (before: ConnectionState, event: ConnectionEvent, after: ConnectionState, nowMs: number) => void,
): { state: ConnectionState; nowMs: number } {
  let state: ConnectionState = step(states.idle, events.connectRequested, at).state
  let nowMs = NOW
  for (const { event, waitMs, random } of steps) {
    nowMs += waitMs
    const after = step(state, event, moment(nowMs, random)).state
    each(state, event, after, nowMs)
    state = after
  }
  return { state, nowMs }
}

test('C1 an attempt begins only out of waiting, of renewing, or by a person', () => {
  fc.assert(
    fc.property(history, (steps) => {
      run(steps, (before, event, after) => {
        if (after.status !== 'connecting' || before.status === 'connecting') return
        const byPerson = event.type === 'retryRequested' || event.type === 'connectRequested'
        expect(byPerson || before.status === 'waiting' || before.status === 'renewing').toBe(true)
      })
    }),
  )
})

test('C1 between two attempts there is always a pause, unless a person asks', () => {
  fc.assert(
    fc.property(history, (steps) => {
      let waitingSinceMs: number | null = null
      run(steps, (before, event, after, nowMs) => {
        if (after.status === 'waiting' && before.status !== 'waiting') waitingSinceMs = nowMs
        if (before.status === 'waiting' && after.status !== 'waiting' && event.type === 'timePassed')
          expect(nowMs - (waitingSinceMs ?? nowMs)).toBeGreaterThanOrEqual(BACKOFF.minMs)
      })
    }),
  )
})

test('C3 nothing makes the client come before the time the server asked for', () => {
  fc.assert(
    fc.property(history, (steps) => {
      run(steps, (before, _event, after, nowMs) => {
        if (before.status === 'waiting' && after.status === 'connecting')
          expect(nowMs).toBeGreaterThanOrEqual(before.notBeforeMs)
      })
    }),
  )
})

test('C3 a drained connection comes back after reconnectAfterMs', () => {
  const { state } = step(states.draining, events.socketClosed, moment(NOW, 0))
  expect(state).toMatchObject({ status: 'waiting', retryAtMs: NOW + 3000, cause: { kind: 'drained' } })
  expect(step(state, events.retryRequested, moment(NOW + 1, 0)).state).toMatchObject({
    status: 'waiting',
    retryAtMs: NOW + 3000,
  })
})

test('C3 a draining gateway that refuses a frame does not shorten what it asked for', () => {
  const refused = step(states.draining, { type: 'delayRequested', retryAfterMs: 1000 }, moment(NOW, 0)).state
  expect(step(refused, events.socketClosed, moment(NOW, 0)).state).toMatchObject({ retryAtMs: NOW + 3000 })
})

test('C4 a connection that ends at once counts as one more failure', () => {
  const brief = { ...states.live, sinceMs: NOW - CONNECTION_TIMES.lastingAfterMs + 1, attempt: 4 }
  expect(step(brief, events.socketClosed, at).state).toMatchObject({ status: 'waiting', attempt: 5 })
})

test('C4 a connection that lasted forgives the failures before it', () => {
  const settled = { ...states.live, sinceMs: NOW - CONNECTION_TIMES.lastingAfterMs, attempt: 4 }
  expect(step(settled, events.socketClosed, at).state).toMatchObject({ status: 'waiting', attempt: 1 })
})

test('C5 the range of the close code decides, whatever the number', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(states.connecting, states.authenticating, states.live, states.draining),
      fc.integer({ min: 1000, max: 4999 }),
      (state, code) => {
        const after = step(state, { type: 'socketClosed', code, reason: '' }, at).state
        if (code >= 4500) expect(after.status).toBe('stopped')
        else
          expect(after).toMatchObject({
            status: 'waiting',
            token: code === CLOSE.tokenExpired.code ? 'needed' : 'held',
          })
      },
    ),
  )
})

test('C5 a token that is needed is renewed before the next attempt', () => {
  const waiting = { ...states.waiting, token: 'needed' as const }
  const next = step(waiting, events.timePassed, at)
  expect(next.state.status).toBe('renewing')
  expect(next.effects).toEqual([{ type: 'renewToken' }])
})

test('C6 whatever is heard puts the end off by 2.5 heartbeats', () => {
  const heard = step(states.live, events.frameReceived, at).state
  expect(wakesAtMs(heard)).toBe(NOW + 2500)
  expect(step(heard, events.timePassed, moment(NOW + 2499, 0)).state.status).toBe('live')
  expect(step(heard, events.timePassed, moment(NOW + 2500, 0)).state).toMatchObject({
    status: 'waiting',
    cause: { kind: 'silent' },
  })
})

test('C7 a probe shortens the patience and never lengthens it', () => {
  const patient = { ...states.live, deadAtMs: NOW + 50_000 }
  expect(wakesAtMs(step(patient, events.pageShown, at).state)).toBe(NOW + CONNECTION_TIMES.probeMs)
  const impatient = { ...states.live, deadAtMs: NOW + 10 }
  expect(wakesAtMs(step(impatient, events.pageShown, at).state)).toBe(NOW + 10)
})

test('C317 a device that says it has no network is believed after 1 s of silence, and a connection that answers is kept', () => {
  const patient = { ...states.live, deadAtMs: NOW + 50_000 }
  const probed = step(patient, events.networkLost, at).state
  expect(wakesAtMs(probed)).toBe(NOW + 1_000)
  expect(wakesAtMs(step(probed, events.frameReceived, at).state)).toBeGreaterThan(NOW + 1_000)
  const later = step(probed, events.timePassed, moment(NOW + 1_000, 0.5)).state
  expect(later).toMatchObject({ status: 'waiting', cause: { kind: 'silent' } })
})

test('C8 time alone leads from any state but idle and stopped to another attempt', () => {
  fc.assert(
    fc.property(history, (steps) => {
      let { state } = run(steps, () => undefined)
      if (state.status === 'idle' || state.status === 'stopped') return
      // Only timers fire: no socket opens, nothing is heard, no token arrives.
      let attempts = 0
      for (let turn = 0; turn < 6; turn += 1) {
        const deadline = wakesAtMs(state)
        expect(deadline).toBeDefined()
        const next = step(state, events.timePassed, moment(deadline ?? 0, 0.5))
        if (next.state.status === 'connecting' || next.state.status === 'renewing') attempts += 1
        state = next.state
      }
      expect(attempts).toBeGreaterThanOrEqual(2)
    }),
  )
})

test('C11 a renewal that fails is tried again, one that is refused stops', () => {
  expect(step(states.renewing, events.tokenRenewalFailed, at).state).toMatchObject({
    status: 'waiting',
    token: 'needed',
  })
  const refused = step(states.renewing, events.tokenRefused, at).state
  expect(syncStatusOf(refused, 'websocket', true)).toMatchObject({ status: 'error', remedy: 'sign-in' })
})

test('C13 every state has a status, and one that is not live says why', () => {
  for (const state of Object.values(states)) {
    const status = syncStatusOf(state, 'websocket', true)
    if (status.status === 'offline' || status.status === 'error') expect(status.reason).toMatch(/\.$/)
  }
  expect(syncStatusOf(states.waiting, 'websocket', true)).toMatchObject({
    status: 'connecting',
    next: 'attempt',
    nextAttemptAtMs: NOW,
    remedy: 'retry',
    sinceMs: 5,
  })
  expect(syncStatusOf(states.waiting, 'websocket', false)).toMatchObject({ status: 'offline' })
  expect(syncStatusOf(states.live, 'websocket', true)).toMatchObject({ status: 'live', connectionId: 's' })
})

test('C13 what stopped the client names what helps', () => {
  const stoppedBy = (code: number) =>
    syncStatusOf({ status: 'stopped', sinceMs: 1, cause: { kind: 'closed', code, reason: '' } }, 'websocket', true)
  expect(stoppedBy(CLOSE.notAuthenticated.code)).toMatchObject({ remedy: 'sign-in' })
  expect(stoppedBy(CLOSE.unsupportedVersion.code)).toMatchObject({ remedy: 'reload' })
  expect(stoppedBy(CLOSE.tooMany.code)).toMatchObject({ remedy: 'retry' })
  expect(stoppedBy(4999)).toMatchObject({ remedy: 'retry' })
})

test('C323 a page whose address is not served is told to tell whoever runs the server, and only a person tries again', () => {
  const closed = { type: 'socketClosed', code: CLOSE.originNotAllowed.code, reason: 'origin not allowed' } as const
  for (const before of [states.connecting, states.authenticating, states.live, states.draining]) {
    const { state } = step(before, closed, at)
    const status = syncStatusOf(state, 'websocket', true)
    expect(status).toMatchObject({ status: 'error', remedy: 'tell-operator', next: 'nothing' })
    expect(status.reason).toMatch(/whoever runs it can allow/)
    expect(wakesAtMs(state)).toBeUndefined()
    for (const event of ['networkFound', 'pageShown', 'timePassed', 'tokenRenewed'] as const)
      expect(step(state, events[event], at)).toEqual({ state, effects: [] })
    expect(step(state, events.retryRequested, at).effects).toEqual([{ type: 'openSocket' }])
  }
  expect(STATUS_TABLE.error.canDo).toContain('tell-operator')
})

test('C2 a wait is at least the minimum, grows with failures in a row, and is spread over that range', () => {
  const waitMs = (attempt: number, random: number): number => {
    const { state } = step({ ...states.connecting, attempt }, events.socketClosed, moment(NOW, random))
    return (wakesAtMs(state) ?? 0) - NOW
  }
  for (const attempt of [0, 1, 5, 60]) expect(waitMs(attempt, 0)).toBe(200)
  expect([0, 1, 2, 5, 6, 60].map((attempt) => waitMs(attempt, 0.5))).toEqual([400, 600, 1_000, 6_600, 7_700, 7_700])
})

test('C13 times are shown by the date, wherever the clock of the machine began', () => {
  const status = dated(syncStatusOf(states.waiting, 'websocket', true), { nowMs: NOW, dateMs: 1_800_000_000_000 })
  expect(status).toMatchObject({ nextAttemptAtMs: 1_800_000_000_000, sinceMs: 1_800_000_000_000 - NOW + 5 })
})
