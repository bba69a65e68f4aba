import type { TimePassed } from '@rhizom/machine'
import { momentAt } from '@rhizom/machine/testing'
import { type ClientFrameInput, type ServerFrame, serverFrameSchema } from '@rhizom/protocol'
import { describe, expect, test } from 'vitest'
import { openConnection, connectionWakesAtMs, stepConnection } from './machine.ts'
import type { ConnectionEvent, ConnectionLimits, ConnectionState } from './state.ts'

const settings: ConnectionLimits = {
  helloTimeoutMs: 10_000,
  heartbeatMs: 20_000,
  frames: { perSecond: 20, burst: 100 },
  maxFrameBytes: 65_536,
  maxHelloBytes: 8_192,
  maxSubscriptions: 2,
  maxStateBytes: 64,
  maxSignalBytes: 64,
  maxRefusedInRow: 3,
  maxMalformedInRow: 3,
}
const NOW = 1_000_000
const EXPIRES = NOW + 60_000
const EPOCH = '00000000-0000-4000-8000-000000000001'

const line = (text: string): ConnectionEvent => ({ type: 'lineReceived', line: text, bytes: Buffer.byteLength(text) })
const frame = (value: ClientFrameInput): ConnectionEvent => line(JSON.stringify(value))
const hello = frame({ type: 'hello', protocol: 1, token: 't' })
const ping = frame({ type: 'ping' })
const refresh = frame({ type: 'refresh', token: 't2' })
const subscribe = (space: string): ConnectionEvent => frame({ type: 'subscribe', space })
const signal = (space: string, data = {}): ConnectionEvent => frame({ type: 'signal', space, name: 'typing', data })
const presence = (space: string, state = {}): ConnectionEvent => frame({ type: 'presence', space, state })
const bad = line('{not JSON')
/** Larger than a hello may be. */
const largeHello = frame({ type: 'hello', protocol: 1, token: 'x'.repeat(9_000) })
const verified: Extract<ConnectionEvent, { type: 'tokenVerified' }> = {
  type: 'tokenVerified',
  purpose: 'hello',
  being: '@ada',
  expiresAt: EXPIRES,
}
const drain: ConnectionEvent = { type: 'drainStarted', reconnectAfterMs: 500, closeAfterMs: 100 }

/** Runs events and tells what came of them as short words. */
function run(
  state: ConnectionState,
  events: readonly (ConnectionEvent | TimePassed)[],
  nowMs = NOW,
): { state: ConnectionState; said: string[] } {
  const said: string[] = []
  let current = state
  for (const event of events) {
    const step = stepConnection(current, event, momentAt(nowMs, { random: 0 }), settings)
    current = step.state
    for (const effect of step.effects) {
      if (effect.type === 'countFrame') continue
      if (effect.type === 'sendFrame') said.push(wordOf(effect.frame))
      else if (effect.type === 'closeSocket') said.push(`close:${effect.close}`)
      else if ('space' in effect) said.push(`${effect.type}:${effect.space}`)
      else said.push(effect.type)
    }
  }
  return { state: current, said }
}
const wordOf = (frame: ServerFrame): string => (frame.type === 'error' ? `error:${frame.code}` : frame.type)

const awaiting = openConnection('s1', NOW, settings)
const states = {
  'awaiting-hello': awaiting,
  authenticating: run(awaiting, [hello]).state,
  live: run(awaiting, [hello, verified, subscribe('@a'), { type: 'subscriptionAnswered', space: '@a' }]).state,
  draining: run(awaiting, [hello, verified, subscribe('@a'), { type: 'subscriptionAnswered', space: '@a' }, drain])
    .state,
  closed: run(awaiting, [largeHello]).state,
} satisfies Record<ConnectionState['status'], ConnectionState>

type EventName =
  | (ConnectionEvent | TimePassed)['type']
  | 'hello'
  | 'subscribe'
  | 'unknown'
  | 'malformed'
  | 'oversized'
  | 'blank'
/**
 * Next status, then what is said and done. Every cell is decided: a new state or event does not compile until it is.
 */
type Cell = readonly [ConnectionState['status'], ...string[]]

const events: Record<EventName, ConnectionEvent | TimePassed> = {
  lineReceived: ping,
  hello,
  subscribe: subscribe('@b'),
  unknown: line('{"type":"dance"}'),
  malformed: bad,
  oversized: line('x'.repeat(65_537)),
  blank: line(' '),
  binaryReceived: { type: 'binaryReceived' },
  controlReceived: { type: 'controlReceived' },
  tokenVerified: verified,
  tokenRefused: { type: 'tokenRefused', reason: 'invalid' },
  subscriptionAnswered: { type: 'subscriptionAnswered', space: '@a' },
  subscriptionRefused: { type: 'subscriptionRefused', space: '@a', refusal: { code: 'not-found' } },
  subscriptionEnded: { type: 'subscriptionEnded', space: '@a', code: 'revoked' },
  beingRevoked: { type: 'beingRevoked' },
  sessionEnded: { type: 'sessionEnded' },
  workAnnounced: { type: 'workAnnounced' },
  newsLearned: { type: 'newsLearned', frame: { type: 'news', spaces: {} } },
  fellBehind: { type: 'fellBehind' },
  overloaded: { type: 'overloaded' },
  drainStarted: drain,
  socketClosed: { type: 'socketClosed' },
  timePassed: { type: 'timePassed' },
}

const closedTable: Record<EventName, Cell> = {
  lineReceived: ['closed'],
  hello: ['closed'],
  subscribe: ['closed'],
  unknown: ['closed'],
  malformed: ['closed'],
  oversized: ['closed'],
  blank: ['closed'],
  binaryReceived: ['closed'],
  controlReceived: ['closed'],
  tokenVerified: ['closed'],
  tokenRefused: ['closed'],
  subscriptionAnswered: ['closed'],
  subscriptionRefused: ['closed'],
  subscriptionEnded: ['closed'],
  beingRevoked: ['closed'],
  sessionEnded: ['closed'],
  workAnnounced: ['closed'],
  newsLearned: ['closed'],
  fellBehind: ['closed'],
  overloaded: ['closed'],
  drainStarted: ['closed'],
  socketClosed: ['closed'],
  timePassed: ['closed'],
}

const table: Record<ConnectionState['status'], Record<EventName, Cell>> = {
  'awaiting-hello': {
    lineReceived: ['closed', 'error:not-authenticated', 'close:notAuthenticated'],
    hello: ['authenticating', 'verifyToken'],
    subscribe: ['closed', 'error:not-authenticated', 'close:notAuthenticated'],
    unknown: ['awaiting-hello'],
    malformed: ['awaiting-hello', 'error:malformed'],
    blank: ['awaiting-hello'],
    binaryReceived: ['awaiting-hello', 'error:malformed'],
    controlReceived: ['awaiting-hello'],
    oversized: ['closed', 'error:too-large', 'close:tooMany'],
    tokenVerified: ['awaiting-hello'],
    tokenRefused: ['awaiting-hello'],
    subscriptionAnswered: ['awaiting-hello'],
    subscriptionRefused: ['awaiting-hello'],
    subscriptionEnded: ['awaiting-hello'],
    beingRevoked: ['awaiting-hello'],
    sessionEnded: ['awaiting-hello'],
    workAnnounced: ['awaiting-hello'],
    newsLearned: ['awaiting-hello'],
    fellBehind: ['closed', 'close:tooSlow'],
    overloaded: ['closed', 'close:overloaded'],
    drainStarted: ['draining', 'goodbye'],
    socketClosed: ['closed'],
    timePassed: ['awaiting-hello'],
  },
  authenticating: {
    lineReceived: ['authenticating'],
    hello: ['authenticating'],
    subscribe: ['authenticating'],
    unknown: ['authenticating'],
    malformed: ['authenticating'],
    blank: ['authenticating'],
    binaryReceived: ['authenticating', 'error:malformed'],
    controlReceived: ['authenticating'],
    oversized: ['closed', 'error:too-large', 'close:tooMany'],
    tokenVerified: ['live', 'welcome'],
    tokenRefused: ['closed', 'error:not-authenticated', 'close:notAuthenticated'],
    subscriptionAnswered: ['authenticating'],
    subscriptionRefused: ['authenticating'],
    subscriptionEnded: ['authenticating'],
    beingRevoked: ['authenticating'],
    sessionEnded: ['authenticating'],
    workAnnounced: ['authenticating'],
    newsLearned: ['authenticating'],
    fellBehind: ['closed', 'close:tooSlow'],
    overloaded: ['closed', 'close:overloaded'],
    drainStarted: ['draining', 'goodbye'],
    socketClosed: ['closed'],
    timePassed: ['authenticating'],
  },
  live: {
    lineReceived: ['live', 'pong'],
    hello: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    subscribe: ['live', 'watch:@b'],
    unknown: ['live'],
    malformed: ['live', 'error:malformed'],
    blank: ['live'],
    binaryReceived: ['live', 'error:malformed'],
    controlReceived: ['live'],
    oversized: ['closed', 'error:too-large', 'unwatch:@a', 'close:tooMany'],
    tokenVerified: ['live'],
    tokenRefused: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    subscriptionAnswered: ['live'],
    subscriptionRefused: ['live', 'error:not-found'],
    subscriptionEnded: ['live', 'unsubscribed'],
    beingRevoked: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    sessionEnded: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    workAnnounced: ['live'],
    newsLearned: ['live', 'news'],
    fellBehind: ['closed', 'unwatch:@a', 'close:tooSlow'],
    overloaded: ['closed', 'unwatch:@a', 'close:overloaded'],
    drainStarted: ['draining', 'goodbye'],
    socketClosed: ['closed', 'unwatch:@a'],
    timePassed: ['live'],
  },
  draining: {
    lineReceived: ['draining', 'pong'],
    hello: ['draining', 'error:unavailable'],
    subscribe: ['draining', 'error:unavailable'],
    unknown: ['draining'],
    malformed: ['draining', 'error:malformed'],
    blank: ['draining'],
    binaryReceived: ['draining', 'error:malformed'],
    controlReceived: ['draining'],
    oversized: ['closed', 'error:too-large', 'unwatch:@a', 'close:tooMany'],
    tokenVerified: ['draining'],
    tokenRefused: ['draining'],
    subscriptionAnswered: ['draining'],
    subscriptionRefused: ['draining', 'error:not-found'],
    subscriptionEnded: ['draining', 'unsubscribed'],
    beingRevoked: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    sessionEnded: ['closed', 'error:not-authenticated', 'unwatch:@a', 'close:notAuthenticated'],
    workAnnounced: ['draining'],
    newsLearned: ['draining'],
    fellBehind: ['closed', 'unwatch:@a', 'close:tooSlow'],
    overloaded: ['closed', 'unwatch:@a', 'close:overloaded'],
    drainStarted: ['draining'],
    socketClosed: ['closed', 'unwatch:@a'],
    timePassed: ['draining'],
  },
  closed: closedTable,
}

const statuses: readonly ConnectionState['status'][] = [
  'awaiting-hello',
  'authenticating',
  'live',
  'draining',
  'closed',
]
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
      expect(connectionWakesAtMs(state)).toBe(NOW + 10_000)
      expect(run(state, [{ type: 'timePassed' }], NOW + 9999).said).toEqual([])
      expect(run(state, [{ type: 'timePassed' }], NOW + 10_000).said).toEqual(['close:helloTimedOut'])
    }
  })

  test('G1 another protocol version closes with 4502', () => {
    const other = frame({ type: 'hello', protocol: 2, token: 't' })
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
    expect(run(states.live, [{ type: 'timePassed' }], EXPIRES).said).toEqual(['unwatch:@a', 'close:tokenExpired'])
  })

  test('G4 a date that is set to and fro ends no session and prolongs none', () => {
    const hour = 3_600_000
    for (const dateMs of [NOW - hour, NOW + hour]) {
      const passed = (nowMs: number) =>
        stepConnection(states.live, { type: 'timePassed' }, momentAt(nowMs, { dateMs }), settings).state.status
      expect([passed(EXPIRES - 1), passed(EXPIRES)]).toEqual(['live', 'closed'])
    }
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
      const { effects } = stepConnection(
        state,
        { type: 'tokenRefused', reason: 'revoked' },
        momentAt(NOW, { random: 0 }),
        settings,
      )
      expect(effects[0]).toMatchObject({ frame: { code: 'not-authenticated', message: 'Who this was is removed' } })
      expect(effects.at(-1)).toEqual({ type: 'closeSocket', close: 'notAuthenticated' })
    }
  })
})

test('G190 who has as many connections as one may have is asked to come back', () => {
  const at = momentAt(NOW, { random: 0 })
  const { effects } = stepConnection(states.authenticating, { type: 'tokenRefused', reason: 'crowded' }, at, settings)
  expect(effects[0]).toMatchObject({ type: 'sendFrame', frame: { code: 'too-many' } })
  expect(effects.at(-1)).toEqual({ type: 'closeSocket', close: 'overloaded' })
})

test('G225 who comes when too many tokens wait is asked to come back', () => {
  const at = momentAt(NOW, { random: 0 })
  const refused: ConnectionEvent = { type: 'tokenRefused', reason: 'overloaded' }
  const { effects } = stepConnection(states.authenticating, refused, at, settings)
  expect(effects[0]).toMatchObject({ type: 'sendFrame', frame: { code: 'unavailable', retryAfterMs: 1000 } })
  expect(effects.at(-1)).toEqual({ type: 'closeSocket', close: 'overloaded' })
})

describe('a session that was ended', () => {
  test('G135 it is told and closed with 4501 in whatever state it is known, and its token refused alike', () => {
    for (const state of [states.live, states.draining])
      expect(run(state, [{ type: 'sessionEnded' }, signal('@a')]).said).toEqual([
        'error:not-authenticated',
        'unwatch:@a',
        'close:notAuthenticated',
      ])
    for (const state of [states.authenticating, states.live]) {
      const at = momentAt(NOW, { random: 0 })
      const { effects } = stepConnection(state, { type: 'tokenRefused', reason: 'ended' }, at, settings)
      expect(effects[0]).toMatchObject({ frame: { code: 'not-authenticated', message: 'This session was ended' } })
      expect(effects.at(-1)).toEqual({ type: 'closeSocket', close: 'notAuthenticated' })
    }
  })
})

describe('work', () => {
  const work = frame({ type: 'work' })
  const announced: ConnectionEvent = { type: 'workAnnounced' }

  test('G125 whoever asks is told at once and then whenever there may be some; others are not', () => {
    expect(run(states.live, [announced]).said).toEqual([])
    expect(run(states.live, [work, announced, announced]).said).toEqual(['awaitWork', 'work', 'work', 'work'])
  })

  test('G165 who follows has that carried out each time; not before hello, nor on a connection that drains', () => {
    const follow = frame({ type: 'follow' })
    expect(run(states.live, [follow, follow]).said).toEqual(['followNews', 'followNews'])
    expect(run(states.draining, [follow]).said).toEqual([])
    expect(run(states['awaiting-hello'], [follow]).said).toEqual(['error:not-authenticated', 'close:notAuthenticated'])
  })

  test('G125 a connection that drains is told nothing more: its client asks the next one', () => {
    expect(run(states.live, [work, drain, announced, work]).said).toEqual(['awaitWork', 'work', 'goodbye'])
  })
})

describe('subscriptions', () => {
  test('G5 one over the limit is refused and the others stay; a watched one is answered again', () => {
    const { said, state } = run(states.live, [subscribe('@b'), subscribe('@c'), subscribe('@a')])
    expect(said).toEqual(['watch:@b', 'error:too-many', 'watch:@a'])
    expect(state).toMatchObject({ status: 'live' })
  })

  test('G5 a position is passed on', () => {
    const from41 = frame({ type: 'subscribe', space: '@b', present: false, epoch: EPOCH, after: 41 })
    const { effects } = stepConnection(states.live, from41, momentAt(NOW, { random: 0 }), settings)
    const position = { epoch: EPOCH, version: 41 }
    expect(effects.slice(1)).toEqual([{ type: 'watch', space: '@b', being: '@ada', position, present: false }])
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
    const { effects } = stepConnection(spoke.state, answered, momentAt(NOW, { random: 0 }), settings)
    expect(effects[0]).toEqual({ type: 'setPresence', space: '@b', state: { at: 2 } })
  })

  test('G6 what was said to a space that may not be read is not passed on', () => {
    const spoke = run(states.live, [subscribe('@b'), presence('@b'), signal('@b')]).state
    const refused = { type: 'subscriptionRefused', space: '@b', refusal: { code: 'not-found' } } as const
    expect(run(spoke, [refused, { type: 'subscriptionAnswered', space: '@b' }]).said).toEqual(['error:not-found'])
    const gone = run(spoke, [frame({ type: 'unsubscribe', space: '@b' }), subscribe('@b')])
    expect(run(gone.state, [{ type: 'subscriptionAnswered', space: '@b' }]).said).toEqual([])
  })

  test('G6 no more is held than a bounded number of names', () => {
    const waiting = run(states.live, [subscribe('@b')]).state
    const signals = Array.from({ length: 18 }, (_, index) =>
      frame({ type: 'signal', space: '@b', name: `name ${index % 17}` }),
    )
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
    const unsubscribe = frame({ type: 'unsubscribe', space: '@a' })
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
      const at = momentAt(NOW, { random: spread })
      const { state } = stepConnection(states.authenticating, { ...verified, expiresAt: NOW + 1e9 }, at, settings)
      return (connectionWakesAtMs(state) ?? 0) - NOW
    })
    expect(firsts).toEqual([20_000, 15_000, 10_010])
    const live = run(states.live, [subscribe('@b')]).state
    const beat = stepConnection(live, { type: 'timePassed' }, momentAt(NOW + 20_000, { random: 0 }), settings)
    expect(beat.effects).toEqual([{ type: 'sendHeartbeat', spaces: ['@a'] }])
    expect(connectionWakesAtMs(beat.state)).toBe(NOW + 40_000)
  })
})

describe('too much and too bad', () => {
  test('G20 over the rate frames are refused with a time; whoever goes on is closed with 4504', () => {
    const { state } = run(
      states.live,
      Array.from({ length: 98 }, () => ping),
    )
    const step = stepConnection(state, subscribe('@b'), momentAt(NOW, { random: 0 }), settings)
    expect(step.effects).toMatchObject([
      { type: 'countFrame', frame: 'refused' },
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
    expect(run(states.live, [bad, bad, ping, bad, bad]).state.status).toBe('live')
    expect(run(states.live, [bad, bad, bad]).said.at(-1)).toBe('close:notUnderstood')
  })
})

describe('what costs without being a frame', () => {
  const times = (count: number, event: ConnectionEvent): ConnectionEvent[] => Array.from({ length: count }, () => event)
  /** The refusals at which it was closed, after what the bucket held. */
  const refusals = (event: ConnectionEvent, count = 1_000_000): number =>
    run(states.live, times(count, event)).said.filter((word) => word === 'error:rate-limited').length

  test.each([
    ['blank lines', line('')],
    ['lines of blanks', line(' \t\r ')],
    ['pings and pongs of the transport', { type: 'controlReceived' } as const],
    ['frames of unknown types', line('{"type":"dance"}')],
  ])('G81 %s cost a token each, and who goes on is closed', (_what, event) => {
    expect(run(states.live, times(98, event)).said).toEqual([])
    expect(refusals(event)).toBe(settings.maxRefusedInRow)
  })

  test('G81 a large line costs as many tokens as it has 4 KiB, and is refused unread', () => {
    const large = line(`{"type":"dance","x":"${'x'.repeat(60_000)}"}`)
    expect(run(states.live, times(6, large)).said).toEqual([])
    expect(run(states.live, times(7, large)).said).toEqual(['error:rate-limited'])
    const malformedOne = line(`{"type":"signal",${'['.repeat(60_000)}`)
    expect(run(states.live, [...times(6, large), malformedOne]).said).toEqual(['error:rate-limited'])
  })

  test('G82 a stranger says one hello of bounded size; what stands behind it waits unread and bounded', () => {
    expect(run(awaiting, [largeHello]).said).toEqual(['error:too-large', 'close:tooMany'])
    const waiting = run(awaiting, [hello, line('{broken'), hello])
    expect(waiting.said).toEqual(['verifyToken'])
    expect(run(waiting.state, [verified]).said).toEqual([
      'welcome',
      'error:malformed',
      'error:not-authenticated',
      'close:notAuthenticated',
    ])
    const much = line('x'.repeat(40_000))
    expect(run(awaiting, [hello, much, much]).said).toEqual(['verifyToken', 'error:too-large', 'close:tooMany'])
  })

  test.each([33, 65, 2_000, 32_000])('G82 no depth of nesting is more than a malformed line (%i)', (depth) => {
    const nest = '['.repeat(depth) + ']'.repeat(depth)
    const deep = line(`{"type":"presence","space":"@a","state":{"a":${nest}}}`)
    const said = run(states.live, [deep]).said
    expect(said).toEqual(['error:malformed'])
    expect(run(awaiting, [deep]).state.status).toMatch(/^(closed|awaiting-hello)$/)
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
    expect(connectionWakesAtMs(states.draining)).toBe(NOW + 100)
  })

  test('G61 what is told is in whole milliseconds, whatever the clock has', () => {
    const { effects } = stepConnection(states.draining, subscribe('@b'), momentAt(NOW + 0.37), settings)
    const frames = effects.flatMap((effect) => (effect.type === 'sendFrame' ? [effect.frame] : []))
    expect(frames.map((frame) => serverFrameSchema.safeParse(frame).success)).toEqual([true])
  })

  test('G60 the close comes at its time', () => {
    expect(run(states.draining, [{ type: 'timePassed' }], NOW + 100).said).toEqual(['unwatch:@a', 'close:draining'])
  })
})
