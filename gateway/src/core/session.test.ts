import type { ServerFrame } from '@rhizom/protocol'
import { describe, expect, test } from 'vitest'
import { openSession, sessionWakesAt, stepSession } from './session.ts'
import type { SessionEvent, SessionSettings, SessionState } from './session-state.ts'

const settings: SessionSettings = {
  helloTimeoutMs: 10_000,
  heartbeatMs: 20_000,
  frames: { perSecond: 20, burst: 100 },
  maxSubscriptions: 2,
  maxStateBytes: 64,
  maxSignalBytes: 64,
  maxRefusedInRow: 3,
  maxMalformedInRow: 3,
}
const NOW = 1_000_000
const EXPIRES = NOW + 60_000
const EPOCH = '00000000-0000-4000-8000-000000000001'

const hello: SessionEvent = { type: 'frameReceived', frame: { type: 'hello', protocol: 1, token: 't' } }
const ping: SessionEvent = { type: 'frameReceived', frame: { type: 'ping' } }
const refresh: SessionEvent = { type: 'frameReceived', frame: { type: 'refresh', token: 't2' } }
const subscribe = (space: string): SessionEvent => ({
  type: 'frameReceived',
  frame: { type: 'subscribe', space, present: true },
})
const signal = (space: string, data = {}): SessionEvent => ({
  type: 'frameReceived',
  frame: { type: 'signal', space, name: 'typing', data },
})
const presence = (space: string, state = {}): SessionEvent => ({
  type: 'frameReceived',
  frame: { type: 'presence', space, state },
})
const verified: SessionEvent = { type: 'tokenVerified', purpose: 'hello', being: '@ada', expiresAt: EXPIRES, spread: 0 }
const drain: SessionEvent = { type: 'drainStarted', reconnectAfterMs: 500, closeAt: NOW + 100 }

/** Runs events and tells what came of them as short words. */
function run(state: SessionState, events: readonly SessionEvent[], now = NOW): { state: SessionState; said: string[] } {
  const said: string[] = []
  let current = state
  for (const event of events) {
    const step = stepSession(current, event, now, settings)
    current = step.state
    for (const effect of step.effects) {
      if (effect.type === 'sendFrame') said.push(wordOf(effect.frame))
      else if (effect.type === 'closeSocket') said.push(`close:${effect.close}`)
      else if ('space' in effect) said.push(`${effect.type}:${effect.space}`)
      else said.push(effect.type)
    }
  }
  return { state: current, said }
}
const wordOf = (frame: ServerFrame): string => (frame.type === 'error' ? `error:${frame.code}` : frame.type)

const awaiting = openSession('s1', NOW, settings)
const states = {
  'awaiting-hello': awaiting,
  authenticating: run(awaiting, [hello]).state,
  live: run(awaiting, [hello, verified, subscribe('@a'), { type: 'subscriptionAnswered', space: '@a' }]).state,
  draining: run(awaiting, [hello, verified, subscribe('@a'), { type: 'subscriptionAnswered', space: '@a' }, drain])
    .state,
  closed: run(awaiting, [{ type: 'oversizedReceived' }]).state,
} satisfies Record<SessionState['status'], SessionState>

type EventName = SessionEvent['type'] | 'hello' | 'subscribe'
/** Next status, then what is said and done. Every cell is decided: a new state or event does not compile until it is. */
type Cell = readonly [SessionState['status'], ...string[]]

const events: Record<EventName, SessionEvent> = {
  frameReceived: ping,
  hello,
  subscribe: subscribe('@b'),
  unknownReceived: { type: 'unknownReceived' },
  malformedReceived: { type: 'malformedReceived', problem: 'not JSON' },
  oversizedReceived: { type: 'oversizedReceived' },
  tokenVerified: verified,
  tokenRefused: { type: 'tokenRefused', reason: 'invalid' },
  subscriptionAnswered: { type: 'subscriptionAnswered', space: '@a' },
  subscriptionRefused: { type: 'subscriptionRefused', space: '@a', code: 'not-found', retryAfterMs: undefined },
  subscriptionEnded: { type: 'subscriptionEnded', space: '@a', code: 'revoked' },
  beingRevoked: { type: 'beingRevoked' },
  fellBehind: { type: 'fellBehind' },
  drainStarted: drain,
  socketClosed: { type: 'socketClosed' },
  ticked: { type: 'ticked' },
}

const closedTable: Record<EventName, Cell> = {
  frameReceived: ['closed'],
  hello: ['closed'],
  subscribe: ['closed'],
  unknownReceived: ['closed'],
  malformedReceived: ['closed'],
  oversizedReceived: ['closed'],
  tokenVerified: ['closed'],
  tokenRefused: ['closed'],
  subscriptionAnswered: ['closed'],
  subscriptionRefused: ['closed'],
  subscriptionEnded: ['closed'],
  beingRevoked: ['closed'],
  fellBehind: ['closed'],
  drainStarted: ['closed'],
  socketClosed: ['closed'],
  ticked: ['closed'],
}

const table: Record<SessionState['status'], Record<EventName, Cell>> = {
  'awaiting-hello': {
    frameReceived: ['closed', 'error:not-authenticated', 'close:notAuthenticated'],
    hello: ['authenticating', 'verifyToken'],
    subscribe: ['closed', 'error:not-authenticated', 'close:notAuthenticated'],
    unknownReceived: ['awaiting-hello'],
    malformedReceived: ['awaiting-hello', 'error:malformed'],
    oversizedReceived: ['closed', 'error:too-large', 'close:tooMany'],
    tokenVerified: ['awaiting-hello'],
    tokenRefused: ['awaiting-hello'],
    subscriptionAnswered: ['awaiting-hello'],
    subscriptionRefused: ['awaiting-hello'],
    subscriptionEnded: ['awaiting-hello'],
    beingRevoked: ['awaiting-hello'],
    fellBehind: ['closed', 'close:tooSlow'],
    drainStarted: ['draining', 'goodbye'],
    socketClosed: ['closed'],
    ticked: ['awaiting-hello'],
  },
  authenticating: {
    frameReceived: ['authenticating'],
    hello: ['closed', 'error:not-authenticated', 'close:notAuthenticated'],
    subscribe: ['authenticating'],
    unknownReceived: ['authenticating'],
    malformedReceived: ['authenticating', 'error:malformed'],
    oversizedReceived: ['closed', 'error:too-large', 'close:tooMany'],
    tokenVerified: ['live', 'welcome'],
    tokenRefused: ['closed', 'error:not-authenticated', 'close:notAuthenticated'],
    subscriptionAnswered: ['authenticating'],
    subscriptionRefused: ['authenticating'],
    subscriptionEnded: ['authenticating'],
    beingRevoked: ['authenticating'],
    fellBehind: ['closed', 'close:tooSlow'],
    drainStarted: ['draining', 'goodbye'],
    socketClosed: ['closed'],
    ticked: ['authenticating'],
  },
  live: {
    frameReceived: ['live', 'pong'],
    hello: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    subscribe: ['live', 'watch:@b'],
    unknownReceived: ['live'],
    malformedReceived: ['live', 'error:malformed'],
    oversizedReceived: ['closed', 'error:too-large', 'unwatch:@a', 'close:tooMany'],
    tokenVerified: ['live'],
    tokenRefused: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    subscriptionAnswered: ['live'],
    subscriptionRefused: ['live', 'error:not-found'],
    subscriptionEnded: ['live', 'unsubscribed'],
    beingRevoked: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    fellBehind: ['closed', 'unwatch:@a', 'close:tooSlow'],
    drainStarted: ['draining', 'goodbye'],
    socketClosed: ['closed', 'unwatch:@a'],
    ticked: ['live'],
  },
  draining: {
    frameReceived: ['draining', 'pong'],
    hello: ['draining', 'error:unavailable'],
    subscribe: ['draining', 'error:unavailable'],
    unknownReceived: ['draining'],
    malformedReceived: ['draining', 'error:malformed'],
    oversizedReceived: ['closed', 'error:too-large', 'unwatch:@a', 'close:tooMany'],
    tokenVerified: ['draining'],
    tokenRefused: ['draining'],
    subscriptionAnswered: ['draining'],
    subscriptionRefused: ['draining', 'error:not-found'],
    subscriptionEnded: ['draining', 'unsubscribed'],
    beingRevoked: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    fellBehind: ['closed', 'unwatch:@a', 'close:tooSlow'],
    drainStarted: ['draining'],
    socketClosed: ['closed', 'unwatch:@a'],
    ticked: ['draining'],
  },
  closed: closedTable,
}

const statuses: readonly SessionState['status'][] = ['awaiting-hello', 'authenticating', 'live', 'draining', 'closed']
const names = Object.entries(events)

describe('every state of a session decides every event', () => {
  for (const status of statuses) {
    test(`G8 ${status}`, () => {
      for (const [name, event] of names) {
        const { state, said } = run(states[status], [event])
        const cells: Record<string, Cell> = table[status]
        expect([state.status, ...said], name).toEqual(cells[name])
      }
    })
  }

  test('G8 a closed session stays the same object', () => {
    for (const [, event] of names) expect(run(states.closed, [event]).state).toBe(states.closed)
  })
})

describe('saying who one is', () => {
  test('G1 no verified token in time closes with 4001, also while the token is looked at', () => {
    for (const state of [states['awaiting-hello'], states.authenticating]) {
      expect(sessionWakesAt(state)).toBe(NOW + 10_000)
      expect(run(state, [{ type: 'ticked' }], NOW + 9999).said).toEqual([])
      expect(run(state, [{ type: 'ticked' }], NOW + 10_000).said).toEqual(['close:helloTimedOut'])
    }
  })

  test('G1 another protocol version closes with 4502', () => {
    const other: SessionEvent = { type: 'frameReceived', frame: { type: 'hello', protocol: 2, token: 't' } }
    expect(run(awaiting, [other]).said).toEqual(['close:unsupportedVersion'])
  })

  test('G2 an expired token closes with 4003, whether jose or the clock says so', () => {
    const authenticating = states.authenticating
    expect(run(authenticating, [{ type: 'tokenRefused', reason: 'expired' }]).said).toEqual(['close:tokenExpired'])
    expect(run(authenticating, [verified], EXPIRES).said).toEqual(['close:tokenExpired'])
  })

  test('G3 frames behind hello wait for the token and are served in order', () => {
    const { said, state } = run(awaiting, [hello, subscribe('@a'), ping, subscribe('@b')])
    expect(said).toEqual(['verifyToken'])
    expect(run(state, [verified]).said).toEqual(['welcome', 'watch:@a', 'pong', 'watch:@b'])
  })

  test('G4 the session ends with its token', () => {
    expect(run(states.live, [{ type: 'ticked' }], EXPIRES).said).toEqual(['unwatch:@a', 'close:tokenExpired'])
  })

  test('G4 refresh extends, never shortens, and only for the same being', () => {
    expect(run(states.live, [refresh]).said).toEqual(['verifyToken'])
    const later = { ...verified, purpose: 'refresh', expiresAt: EXPIRES + 5000 } as const
    const extended = run(states.live, [later]).state
    expect(extended).toMatchObject({ expiresAt: EXPIRES + 5000 })
    expect(run(extended, [{ ...later, expiresAt: EXPIRES }]).state).toBe(extended)
    expect(run(states.live, [{ ...later, being: '@bob' }]).said).toContain('close:notAuthenticated')
  })
})

describe('a being that was removed', () => {
  test('G62 it is told and closed with 4501 in whatever state it is known, and nothing it says is passed on', () => {
    for (const state of [states.live, states.draining]) {
      const { said } = run(state, [{ type: 'beingRevoked' }, signal('@a'), presence('@a'), subscribe('@b')])
      expect(said).toEqual(['error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'])
    }
  })

  test('G62 its token is refused, at hello and at refresh, and the client is told why', () => {
    for (const state of [states.authenticating, states.live]) {
      const { effects } = stepSession(state, { type: 'tokenRefused', reason: 'revoked' }, NOW, settings)
      expect(effects[0]).toMatchObject({ frame: { code: 'not-authenticated', message: 'Who this was is removed' } })
      expect(effects.at(-1)).toEqual({ type: 'closeSocket', close: 'notAuthenticated' })
    }
  })
})

describe('subscriptions', () => {
  test('G5 one over the limit is refused and the others stay; a watched one is answered again', () => {
    const { said, state } = run(states.live, [subscribe('@b'), subscribe('@c'), subscribe('@a')])
    expect(said).toEqual(['watch:@b', 'error:too-many', 'watch:@a'])
    expect(state).toMatchObject({ status: 'live' })
  })

  test('G5 a position is passed on', () => {
    const frame = { type: 'subscribe', space: '@b', present: false, epoch: EPOCH, after: 41 } as const
    const { effects } = stepSession(states.live, { type: 'frameReceived', frame }, NOW, settings)
    const position = { epoch: EPOCH, version: 41 }
    expect(effects).toEqual([{ type: 'watch', space: '@b', being: '@ada', position, present: false }])
  })

  test('G6 signal and presence need a subscription; what comes before its answer follows the answer, the latest of each name', () => {
    const waiting = run(states.live, [subscribe('@b')]).state
    const answered = { type: 'subscriptionAnswered', space: '@b' } as const
    for (const make of [signal, presence]) {
      expect(run(waiting, [make('@b'), make('@c')]).said).toEqual(['error:not-subscribed'])
      expect(run(waiting, [make('@a')]).said[0]).toMatch(/^(publishSignal|setPresence):@a$/)
    }
    const spoke = run(waiting, [presence('@b', { at: 1 }), signal('@b'), presence('@b', { at: 2 })])
    expect(spoke.said).toEqual([])
    expect(run(spoke.state, [answered, answered]).said).toEqual(['setPresence:@b', 'publishSignal:@b'])
    const { effects } = stepSession(spoke.state, answered, NOW, settings)
    expect(effects[0]).toEqual({ type: 'setPresence', space: '@b', being: '@ada', state: { at: 2 } })
  })

  test('G6 what was said to a space that may not be read is not passed on', () => {
    const spoke = run(states.live, [subscribe('@b'), presence('@b'), signal('@b')]).state
    const refused = { type: 'subscriptionRefused', space: '@b', code: 'not-found', retryAfterMs: undefined } as const
    expect(run(spoke, [refused, { type: 'subscriptionAnswered', space: '@b' }]).said).toEqual(['error:not-found'])
    const gone = run(spoke, [{ type: 'frameReceived', frame: { type: 'unsubscribe', space: '@b' } }, subscribe('@b')])
    expect(run(gone.state, [{ type: 'subscriptionAnswered', space: '@b' }]).said).toEqual([])
  })

  test('G6 no more is held than a bounded number of names', () => {
    const waiting = run(states.live, [subscribe('@b')]).state
    const signals = Array.from({ length: 18 }, (_, index): SessionEvent => {
      return { type: 'frameReceived', frame: { type: 'signal', space: '@b', name: `name ${index % 17}` } }
    })
    expect(run(waiting, signals).said).toEqual(['error:too-many'])
  })

  test('G6 signal and presence stay within their size', () => {
    const data = { text: 'x'.repeat(64) }
    expect(run(states.live, [signal('@a', data), presence('@a', data)]).said).toEqual([
      'error:too-large',
      'error:too-large',
    ])
  })

  test('G9 a session that ends lets go of every space, and of none twice', () => {
    const two = run(states.live, [subscribe('@b')]).state
    expect(run(two, [{ type: 'socketClosed' }, { type: 'socketClosed' }]).said).toEqual(['unwatch:@a', 'unwatch:@b'])
    const unsubscribe: SessionEvent = { type: 'frameReceived', frame: { type: 'unsubscribe', space: '@a' } }
    expect(run(two, [unsubscribe, unsubscribe, { type: 'fellBehind' }]).said).toEqual([
      'unwatch:@a',
      'unwatch:@b',
      'close:tooSlow',
    ])
  })
})

describe('heartbeats', () => {
  test('G7 the first comes within one interval, the others one interval apart, for answered spaces', () => {
    const firsts = [0, 0.5, 0.999].map((spread) => {
      const { state } = run(awaiting, [hello, { ...verified, expiresAt: NOW + 1e9, spread }])
      return (sessionWakesAt(state) ?? 0) - NOW
    })
    expect(firsts).toEqual([20_000, 15_000, 10_010])
    const live = run(states.live, [subscribe('@b')]).state
    const beat = stepSession(live, { type: 'ticked' }, NOW + 20_000, settings)
    expect(beat.effects).toEqual([{ type: 'sendHeartbeat', spaces: ['@a'] }])
    expect(sessionWakesAt(beat.state)).toBe(NOW + 40_000)
  })
})

describe('too much and too bad', () => {
  test('G20 over the rate frames are refused with a time; whoever goes on is closed with 4504', () => {
    const { state } = run(
      states.live,
      Array.from({ length: 98 }, () => ping),
    )
    const step = stepSession(state, subscribe('@b'), NOW, settings)
    expect(step.effects).toMatchObject([
      { type: 'sendFrame', frame: { type: 'error', code: 'rate-limited', space: '@b', retryAfterMs: 50 } },
    ])
    expect(run(step.state, [ping, ping]).said).toEqual([
      'error:rate-limited',
      'error:rate-limited',
      'unwatch:@a',
      'close:tooMany',
    ])
    expect(run(step.state, [ping], NOW + 50).said).toEqual(['pong'])
  })

  test('G21 malformed lines in a row close with 4500; a good one in between starts the count anew', () => {
    const bad: SessionEvent = { type: 'malformedReceived', problem: 'not JSON' }
    expect(run(states.live, [bad, bad, ping, bad, bad]).state.status).toBe('live')
    expect(run(states.live, [bad, bad, bad]).said.at(-1)).toBe('close:notUnderstood')
  })
})

describe('draining', () => {
  test('G61 pings and signals are served, subscribing is not, and the close comes at its time', () => {
    expect(run(states.draining, [ping, signal('@a'), subscribe('@b'), refresh]).said).toEqual([
      'pong',
      'publishSignal:@a',
      'error:unavailable',
      'error:unavailable',
    ])
    expect(sessionWakesAt(states.draining)).toBe(NOW + 100)
    expect(run(states.draining, [{ type: 'ticked' }], NOW + 100).said).toEqual(['unwatch:@a', 'close:draining'])
  })
})
