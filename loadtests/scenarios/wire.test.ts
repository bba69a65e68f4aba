import {
  parseClientMessage,
  parseServerMessage,
  postMutationsBodySchema,
  PROTOCOL_VERSION as CONTRACT_VERSION,
  type ServerFrame,
} from '@rhizom/protocol'
import { describe, expect, it } from 'vitest'
import { helloLine, PROTOCOL_VERSION, readFrame, readMessage, subscribeLine, uuidV7 } from './wire.ts'

const epoch = '0197f6a0-0000-7000-8000-00000000000a'
const mutation = '0197f6a0-0000-7000-8000-00000000000c'

describe('what the scenario says', () => {
  it('L5 is of the version of the contract', () => expect(PROTOCOL_VERSION).toBe(CONTRACT_VERSION))

  it.each([
    ['hello', helloLine('token')],
    ['subscribe', subscribeLine('@lobby')],
    ['subscribe', subscribeLine('@lobby', { epoch, version: 4 })],
  ])('L5 %s is understood', (type, line) => {
    expect(parseClientMessage(line)).toMatchObject([{ ok: true, value: { type } }])
  })

  it('L5 a resume names epoch and version', () => {
    expect(parseClientMessage(subscribeLine('@lobby', { epoch, version: 4 }))).toMatchObject([
      { ok: true, value: { space: '@lobby', epoch, after: 4, present: false } },
    ])
  })

  it('L5 its ids are uuids of version 7 that sort by time', () => {
    let state = 7
    const random = (): number => {
      state = (state * 16_807) % 2_147_483_647
      return state / 2_147_483_647
    }
    const ids = Array.from({ length: 200 }, (_, i) => uuidV7(1_700_000_000_000 + i, random))
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(200)
    for (const id of ids) {
      expect(id[14]).toBe('7')
      const args = { id, type: 'utterance', content: ['hello'] }
      const body = { mutations: [{ id, space: '@lobby', name: 'intention.create', args }] }
      expect(postMutationsBodySchema.safeParse(body).success).toBe(true)
    }
  })
})

describe('what the scenario hears', () => {
  const changes: ServerFrame = {
    type: 'changes',
    space: '@lobby',
    epoch,
    from: 41,
    to: 42,
    changes: [{ version: 42, at: 5, actor: '@ada', mutation, kind: 'intention.remove', body: { id: mutation } }],
  }
  const frames: [ServerFrame, object][] = [
    [{ type: 'welcome', session: 's', being: '@ada', heartbeatMs: 20_000 }, { type: 'welcome' }],
    [changes, { type: 'run', from: 41, to: 42, changes: [{ version: 42, at: 5, mutation }] }],
    [
      { ...changes, type: 'resumed', here: [], hereCount: 0 },
      { type: 'run', epoch, from: 41, to: 42 },
    ],
    [
      { type: 'error', code: 'unavailable', message: 'later', space: '@lobby', retryAfterMs: 9 },
      { type: 'refused', retryAfterMs: 9 },
    ],
    [
      { type: 'unsubscribed', space: '@lobby', code: 'removed', message: 'gone' },
      { type: 'refused', code: 'removed' },
    ],
    [
      { type: 'goodbye', reason: 'draining', reconnectAfterMs: 3_120 },
      { type: 'goodbye', reconnectAfterMs: 3_120 },
    ],
    [
      {
        type: 'presence',
        space: '@lobby',
        joined: [{ being: '@ada', state: {}, since: 5 }],
        left: ['@bob'],
        updated: [],
        hereCount: 1,
        frozen: false,
      },
      { type: 'presence', joined: [{ being: '@ada', since: 5 }], left: ['@bob'] },
    ],
    [{ type: 'heartbeat', at: 1, heads: {} }, { type: 'other' }],
  ]

  it.each(frames)('L5 %o is read as the contract means it', (frame, read) => {
    const line = JSON.stringify(frame)
    expect(parseServerMessage(line)).toMatchObject([{ ok: true }])
    expect(readFrame(line)).toMatchObject(read)
  })

  it('L5 a snapshot gives the position', () => {
    const line = JSON.stringify({ type: 'snapshot', space: '@lobby', epoch, version: 42, beings: [] })
    expect(readFrame(line)).toEqual({ type: 'snapshot', space: '@lobby', epoch, version: 42, here: [] })
  })

  it('L5 one message carries several frames', () => {
    expect(readMessage('{"type":"pong"}\n{"type":"newer-than-this"}\n')).toEqual([{ type: 'other' }, { type: 'other' }])
  })

  it.each(['nonsense', '5', '{"type":"changes","space":"@lobby"}', '{"type":"snapshot"}', '{"type":"presence"}'])(
    'L5 %s throws',
    (line) => {
      expect(() => readFrame(line)).toThrow()
    },
  )
})
