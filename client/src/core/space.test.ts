/**
 * The subscription of a space as one table (status by event), then each rule by itself. The property over arbitrary
 * interleavings is in `space-history.test.ts`.
 */
import { describe, expect, test } from 'vitest'
import { aBeing, anUtterance, plainText, SpaceLog } from '../testing/space-log.ts'
import { spaceMachine } from './space.ts'
import { initialSpace, type SpaceEffect, type SpaceEvent, type SpaceState, type Subscription } from './space-state.ts'
import { OWN_STATE_WINDOW_MS, SUBSCRIPTION_TIMES } from './times.ts'

const { step, wakesAtMs } = spaceMachine

const NOW = 1_000_000
const at = { nowMs: NOW, dateMs: NOW, random: 0.5 }
const later = {
  nowMs: NOW + SUBSCRIPTION_TIMES.lastingAfterMs,
  dateMs: NOW + SUBSCRIPTION_TIMES.lastingAfterMs,
  random: 0.5,
}

const log = new SpaceLog('@lobby', '0195e0c0-0000-7000-8000-000000000001')
log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby' }) })
log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@ada', 'one') })
const snapshot = log.snapshot()
const [next, afterNext] = [
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@ada', 'two') }),
  log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@ada', 'three') }),
]
const { epoch } = log
const follows = { epoch, from: 2, to: 3, changes: [next] }
const gap = { epoch, from: 3, to: 4, changes: [afterNext] }
const roster = { here: [], hereCount: 0 }
const page = { intentions: [], beings: [], hasMore: false }

const held: SpaceState = step(
  step(initialSpace('@lobby'), { type: 'connected' }, at).state,
  { type: 'snapshotReceived', snapshot, roster },
  at,
).state

const subscriptions: { [S in Subscription['status']]: Extract<Subscription, { status: S }> } = {
  paused: { status: 'paused' },
  asking: { status: 'asking', attempt: 1, givesUpAtMs: NOW },
  current: { status: 'current', attempt: 0, sinceMs: NOW, answerByMs: undefined },
  retrying: { status: 'retrying', attempt: 1, retryAtMs: NOW, reason: 'because' },
  closed: { status: 'closed', code: 'revoked', message: 'no longer' },
}

const events: { [T in SpaceEvent['type']]: Extract<SpaceEvent, { type: T }> } = {
  connected: { type: 'connected' },
  moved: { type: 'moved' },
  disconnected: { type: 'disconnected' },
  presentChanged: { type: 'presentChanged', being: undefined },
  stateSet: { type: 'stateSet', state: { away: true } },
  storeLost: { type: 'storeLost' },
  snapshotReceived: { type: 'snapshotReceived', snapshot, roster },
  resumedReceived: { type: 'resumedReceived', frame: follows, roster },
  changesReceived: { type: 'changesReceived', frame: gap },
  headReceived: { type: 'headReceived', version: 4 },
  presenceReceived: {
    type: 'presenceReceived',
    frame: { joined: [], left: [], updated: [], hereCount: 0, frozen: false },
  },
  typingReceived: { type: 'typingReceived', being: '@bob' },
  typingEnded: { type: 'typingEnded', being: '@bob' },
  subscribeFailed: { type: 'subscribeFailed', code: 'unavailable', message: 'away', retryAfterMs: 1000 },
  unsubscribed: { type: 'unsubscribed', code: 'revoked', message: 'no longer' },
  retryRequested: { type: 'retryRequested' },
  olderRequested: { type: 'olderRequested' },
  olderReceived: { type: 'olderReceived', before: undefined, page },
  olderFailed: { type: 'olderFailed', before: undefined, message: 'away' },
  timePassed: { type: 'timePassed' },
}

/** One is here, and the gateway knows; the state that was sent last was sent a while ago. */
const own: SpaceState['own'] = {
  here: { being: '@ada', since: 1, state: {} },
  told: true,
  state: { status: 'sent', value: {}, sentAtMs: NOW - OWN_STATE_WINDOW_MS },
}

type Cell = [Subscription['status'], ...SpaceEffect['type'][]]

const ignored = (status: Subscription['status']): Record<SpaceEvent['type'], Cell> => ({
  connected: [status],
  moved: [status],
  disconnected: [status],
  presentChanged: [status],
  stateSet: [status],
  storeLost: ['paused'],
  snapshotReceived: [status],
  resumedReceived: [status],
  changesReceived: [status],
  headReceived: [status],
  presenceReceived: [status],
  typingReceived: [status],
  typingEnded: [status],
  subscribeFailed: [status],
  unsubscribed: [status],
  retryRequested: [status],
  olderRequested: [status],
  olderReceived: [status],
  olderFailed: [status],
  timePassed: [status],
})

const table: Record<Subscription['status'], Record<SpaceEvent['type'], Cell>> = {
  paused: { ...ignored('paused'), connected: ['asking', 'subscribe'], moved: ['asking', 'subscribe'] },
  asking: {
    ...ignored('asking'),
    connected: ['asking', 'subscribe'],
    moved: ['asking', 'subscribe'],
    disconnected: ['paused'],
    presentChanged: ['asking', 'subscribe'],
    snapshotReceived: ['current', 'sendPresence'],
    resumedReceived: ['current', 'sendPresence'],
    subscribeFailed: ['retrying'],
    unsubscribed: ['closed'],
    timePassed: ['retrying'],
  },
  current: {
    ...ignored('current'),
    connected: ['asking', 'subscribe'],
    moved: ['current', 'subscribe'],
    disconnected: ['paused'],
    presentChanged: ['asking', 'subscribe'],
    stateSet: ['current', 'sendPresence'],
    snapshotReceived: ['current', 'sendPresence'],
    resumedReceived: ['current', 'sendPresence'],
    changesReceived: ['asking', 'subscribe'],
    headReceived: ['asking', 'subscribe'],
    subscribeFailed: ['retrying'],
    unsubscribed: ['closed'],
  },
  retrying: {
    ...ignored('retrying'),
    connected: ['asking', 'subscribe'],
    moved: ['asking', 'subscribe'],
    disconnected: ['paused'],
    snapshotReceived: ['current', 'sendPresence'],
    resumedReceived: ['current', 'sendPresence'],
    subscribeFailed: ['retrying'],
    unsubscribed: ['closed'],
    retryRequested: ['asking', 'subscribe'],
    timePassed: ['asking', 'subscribe'],
  },
  closed: {
    ...ignored('closed'),
    snapshotReceived: ['current', 'sendPresence'],
    resumedReceived: ['current', 'sendPresence'],
    retryRequested: ['asking', 'subscribe'],
  },
}

describe.each(Object.values(subscriptions))('C12 $status', (subscription) => {
  test.each(Object.values(events))('C12 on $type', (event) => {
    const [status, ...effects] = table[subscription.status][event.type]
    const result = step({ ...held, subscription, own }, event, at)
    expect([result.state.subscription.status, ...result.effects.map(({ type }) => type)]).toEqual([status, ...effects])
  })
})

const textsOf = ({ content }: SpaceState) => content?.intentions.map((intention) => plainText(intention.content))

test('C21 what leaves a gap is not applied and is asked for from the held position', () => {
  const result = step(held, { type: 'changesReceived', frame: gap }, at)
  expect(result.effects).toEqual([{ type: 'subscribe', position: { epoch, version: 2 }, present: false }])
  expect(result.state.content).toBe(held.content)
})

test('C21 a frame with a hole in it is a gap', () => {
  const holed = { epoch, from: 2, to: 4, changes: [afterNext] }
  const result = step(held, { type: 'changesReceived', frame: holed }, at)
  expect(result.state.content).toBe(held.content)
  expect(result.state.subscription.status).toBe('asking')
})

test('C20 of a frame that overlaps, only what is new is applied', () => {
  const one = step(held, { type: 'changesReceived', frame: follows }, at).state
  const both = { epoch, from: 2, to: 4, changes: [next, afterNext] }
  const two = step(one, { type: 'changesReceived', frame: both }, at).state
  expect(textsOf(two)).toEqual(['one', 'two', 'three'])
  expect(step(two, { type: 'changesReceived', frame: both }, at).state).toBe(two)
})

test('C22 changes of another epoch are not applied; the snapshot that answers is taken, also with a lower version', () => {
  const other = new SpaceLog('@lobby')
  const change = other.write({ kind: 'intention.put', body: anUtterance('@lobby', '@ada', 'anew') })
  const frame = { epoch: other.epoch, from: 0, to: 1, changes: [change] }
  const asked = step(held, { type: 'changesReceived', frame }, at)
  expect(asked.state.content).toBe(held.content)
  expect(asked.effects).toHaveLength(1)
  const answered = step(asked.state, { type: 'snapshotReceived', snapshot: other.snapshot(), roster }, at).state
  expect(answered.content?.position).toEqual({ epoch: other.epoch, version: 1 })
  expect(textsOf(answered)).toEqual(['anew'])
})

test('C23 a head that is ahead makes the space ask once while the answer is awaited', () => {
  const asked = step(held, { type: 'headReceived', version: 3 }, at)
  expect(asked.effects).toHaveLength(1)
  expect(step(asked.state, { type: 'headReceived', version: 4 }, at).effects).toEqual([])
})

test('C23 a head at or below the held version asks for nothing', () => {
  for (const version of [0, 1, 2]) expect(step(held, { type: 'headReceived', version }, at).effects).toEqual([])
})

test('C24 an older snapshot of the same epoch changes nothing', () => {
  const ahead = step(held, { type: 'changesReceived', frame: follows }, at).state
  expect(step(ahead, { type: 'snapshotReceived', snapshot, roster }, at).state.content).toBe(ahead.content)
})

test('P85 a snapshot with `reset` takes the place of what is held, whatever its version', () => {
  const ahead = step(held, { type: 'changesReceived', frame: follows }, at).state
  const reset = step(ahead, { type: 'snapshotReceived', snapshot, roster, resets: true }, at).state
  expect([ahead.content?.position.version, reset.content?.position.version]).toEqual([3, snapshot.version])
})

test('C26 gap after gap is asked for with a growing pause, in the end without a position', () => {
  let state = held
  const asked: SpaceEffect[] = []
  const pauses: number[] = []
  for (let round = 0; round < 4; round += 1) {
    let result = step(state, { type: 'changesReceived', frame: gap }, at)
    const deadline = result.state.subscription.status === 'retrying' ? wakesAtMs(result.state) : undefined
    if (deadline !== undefined) {
      pauses.push(deadline - NOW)
      result = step(result.state, { type: 'timePassed' }, { nowMs: deadline, dateMs: deadline, random: 0.5 })
    }
    asked.push(...result.effects)
    const empty = { epoch, from: 2, to: 2, changes: [] }
    state = step(result.state, { type: 'resumedReceived', frame: empty, roster }, at).state
  }
  expect(pauses).toHaveLength(3)
  expect(pauses.every((pause) => pause >= 200)).toBe(true)
  expect(asked.at(0)).toEqual({ type: 'subscribe', position: { epoch, version: 2 }, present: false })
  expect(asked.at(-1)).toEqual({ type: 'subscribe', position: undefined, present: false })
})

test('C26 after a quiet while a gap is asked for at once again', () => {
  const subscription = { ...subscriptions.current, attempt: 2 }
  expect(step({ ...held, subscription }, { type: 'changesReceived', frame: gap }, at).state.subscription.status).toBe(
    'retrying',
  )
  expect(
    step({ ...held, subscription }, { type: 'changesReceived', frame: gap }, later).state.subscription.status,
  ).toBe('asking')
})

test('C26 an answer that itself leaves a gap leads to a snapshot after a pause', () => {
  const asked = step(held, { type: 'connected' }, at).state
  const answered = step(asked, { type: 'resumedReceived', frame: gap, roster }, at).state
  expect(answered.subscription.status).toBe('retrying')
  const again = step(answered, { type: 'timePassed' }, { nowMs: NOW + 60_000, dateMs: NOW + 60_000, random: 0 })
  expect(again.effects).toEqual([{ type: 'subscribe', position: undefined, present: false }])
})

test.each(['not-found', 'too-many', 'too-large', 'malformed'])('C27 %s closes a space', (code) => {
  const asked = step(initialSpace('@lobby'), { type: 'connected' }, at).state
  const refused = step(asked, { type: 'subscribeFailed', code, message: 'no', retryAfterMs: undefined }, at).state
  expect(refused.subscription).toEqual({ status: 'closed', code, message: 'no' })
})

test('C27 a closed space keeps nothing, and a reconnect does not ask for it', () => {
  const closed = step(held, events.unsubscribed, at).state
  expect(closed.content).toBeUndefined()
  expect(step(closed, { type: 'connected' }, at).effects).toEqual([])
  expect(step(closed, { type: 'retryRequested' }, at).effects).toEqual([
    { type: 'subscribe', position: undefined, present: false },
  ])
})

test('C27 what was asked for before a close and answered after it is open, and what is wanted of it is told', () => {
  const asked = step({ ...held, own }, { type: 'connected' }, at).state
  const closed = step(asked, { ...events.unsubscribed, code: 'removed' }, at).state
  const restored = new SpaceLog('@lobby')
  restored.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby' }) })
  const opened = step(closed, { type: 'snapshotReceived', snapshot: restored.snapshot(), roster }, at)
  expect(opened.state.subscription.status).toBe('current')
  expect(opened.state.content?.position).toEqual({ epoch: restored.epoch, version: 1 })
  expect(opened.effects).toEqual([{ type: 'sendPresence', state: {} }])
  expect(step(opened.state, { type: 'presentChanged', being: undefined }, at).effects).toEqual([
    { type: 'subscribe', position: { epoch: restored.epoch, version: 1 }, present: false },
  ])
})

test('C27 one that went while it was closed is told to be away once the answer is there', () => {
  const asked = step({ ...held, own }, { type: 'connected' }, at).state
  const closed = step(asked, events.unsubscribed, at).state
  const gone = step(closed, { type: 'presentChanged', being: undefined }, at)
  expect(gone.effects).toEqual([])
  expect(step(gone.state, { type: 'snapshotReceived', snapshot, roster }, at).effects).toEqual([
    { type: 'subscribe', position: { epoch, version: 2 }, present: false },
  ])
})

test('C27 an answer after a close that starts from what is not held any more is asked for again, whole', () => {
  const asked = step(held, { type: 'connected' }, at).state
  const closed = step(asked, events.unsubscribed, at).state
  const answered = step(closed, events.resumedReceived, at).state
  expect(answered.subscription.status).toBe('retrying')
  const again = step(answered, { type: 'timePassed' }, { nowMs: NOW + 60_000, dateMs: NOW + 60_000, random: 0 })
  expect(again.effects).toEqual([{ type: 'subscribe', position: undefined, present: false }])
})

test('C27 a space that is removed is closed', () => {
  const gone = new SpaceLog('@gone')
  gone.write({ kind: 'space.put', body: gone.space })
  const before = gone.snapshot()
  const change = gone.write({ kind: 'space.remove', body: { id: '@gone' } })
  const asked = step(initialSpace('@gone'), { type: 'connected' }, at).state
  const current = step(asked, { type: 'snapshotReceived', snapshot: before, roster }, at).state
  const frame = { epoch: gone.epoch, from: 1, to: 2, changes: [change] }
  expect(step(current, { type: 'changesReceived', frame }, at).state).toMatchObject({
    subscription: { status: 'closed', code: 'removed' },
    content: undefined,
  })
})

test('C28 an error with retryAfterMs postpones the next try by at least that', () => {
  const asked = step(held, { type: 'connected' }, at).state
  const failed = step(
    asked,
    { ...events.subscribeFailed, retryAfterMs: 7000 },
    { nowMs: NOW, dateMs: NOW, random: 0 },
  ).state
  expect(wakesAtMs(failed)).toBeGreaterThanOrEqual(NOW + 7000)
  expect(failed.content).toBe(held.content)
})
