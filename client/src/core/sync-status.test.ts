import { expect, test } from 'vitest'
import type { ConnectionState, DisconnectCause } from './connection-state.ts'
import { initialSpace, type SpaceState, type Subscription } from './space-state.ts'
import { OFFLINE_AFTER, spaceStatusOf, type SyncStatus, syncStatusOf } from './sync-status.ts'

const lost: DisconnectCause = { kind: 'closed', code: 1006, reason: '' }
const waiting = (attempt: number): ConnectionState => ({
  status: 'waiting',
  attempt,
  downSinceMs: 5,
  cause: lost,
  retryAtMs: 900,
  notBeforeMs: 0,
  token: 'held',
})
const connecting = (attempt: number): ConnectionState => ({
  status: 'connecting',
  attempt,
  downSinceMs: 5,
  cause: lost,
  givesUpAtMs: 10_000,
})
const live: ConnectionState = {
  status: 'live',
  connectionId: 's',
  sinceMs: 7,
  attempt: 0,
  heartbeatMs: 20_000,
  deadAtMs: 50_000,
  notBeforeMs: 0,
}

test('C189 a wait tells since when, why, when the next attempt is and what one can do; an attempt under way has no time', () => {
  expect(syncStatusOf(waiting(1), 'websocket', true, 2)).toEqual({
    status: 'connecting',
    sinceMs: 5,
    reason: 'The connection to the gateway was lost.',
    next: 'attempt',
    nextAttemptAtMs: 900,
    attempt: 1,
    remedy: 'retry',
    pendingCount: 2,
  })
  expect(syncStatusOf(connecting(1), 'websocket', true)).toMatchObject({
    status: 'connecting',
    nextAttemptAtMs: undefined,
    remedy: undefined,
  })
})

test('C189 after several failures it is offline, also while the next attempt is under way, and at once without a network', () => {
  const statusOf = (state: ConnectionState, online = true) => syncStatusOf(state, 'websocket', online).status
  for (const state of [waiting, connecting]) {
    expect(statusOf(state(OFFLINE_AFTER - 1))).toBe('connecting')
    expect(statusOf(state(OFFLINE_AFTER))).toBe('offline')
    expect(statusOf(state(OFFLINE_AFTER * 1000))).toBe('offline')
    expect(statusOf(state(1), false)).toBe('offline')
  }
  expect(syncStatusOf(waiting(1), 'websocket', false)).toMatchObject({
    reason: 'This device has no network.',
    remedy: 'check-network',
    nextAttemptAtMs: 900,
  })
  // What the browser says of the network is a guess: a connection that lives is none.
  expect(statusOf(live, false)).toBe('live')
})

test('C189 polling says what is looked for, and what has stopped says what helps and that nothing comes by itself', () => {
  expect(syncStatusOf(live, 'polling', true)).toMatchObject({ status: 'polling', sinceMs: 7, next: 'better-way' })
  const ended = syncStatusOf(
    { status: 'stopped', sinceMs: 1, cause: { kind: 'sessionEnded', message: 'over' } },
    'sse',
    true,
  )
  expect(ended).toMatchObject({
    status: 'error',
    next: 'nothing',
    remedy: 'sign-in',
    reason: 'The session has ended: over',
  })
})

const aSpace = (subscription: Subscription): SpaceState => ({ ...initialSpace('@lobby'), subscription })
const all = syncStatusOf(live, 'websocket', true, 9)
const down = syncStatusOf(waiting(1), 'websocket', true, 9)

test.each<[string, Subscription, Partial<SyncStatus>]>([
  ['current', { status: 'current', attempt: 0, sinceMs: 1, answerByMs: undefined }, { status: 'live', sinceMs: 7 }],
  ['asked for', { status: 'asking', attempt: 0, givesUpAtMs: 9 }, { status: 'connecting', next: 'attempt' }],
  ['not asked for yet', { status: 'paused' }, { status: 'connecting' }],
  [
    'asked for again later',
    { status: 'retrying', attempt: 2, retryAtMs: 44, reason: 'It is unavailable.' },
    { status: 'connecting', nextAttemptAtMs: 44, reason: 'It is unavailable.', attempt: 2, remedy: 'retry' },
  ],
  [
    'closed',
    { status: 'closed', code: 'not-found', message: 'No such space' },
    { status: 'error', reason: 'No such space', remedy: 'retry' },
  ],
])(
  'C190 a space that is %s has a status of its own, and none is better than that of the connection',
  (_what, subscription, status) => {
    const space = aSpace(subscription)
    expect(spaceStatusOf(all, space, 1)).toMatchObject({ ...status, pendingCount: 1 })
    const whenDown = spaceStatusOf(down, space, 1)
    if (subscription.status === 'closed') expect(whenDown.status).toBe('error')
    else expect(whenDown).toEqual({ ...down, pendingCount: 1 })
  },
)
