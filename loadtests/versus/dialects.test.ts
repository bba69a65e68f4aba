import { parseClientMessage } from '@rhizom/protocol'
import { describe, expect, it } from 'vitest'
import { DIALECTS, type DialectName, type Memory } from './dialects.ts'

const epoch = '0197f6a0-0000-7000-8000-00000000000a'
const hear = (name: DialectName, message: object | string, memory: Memory = {}) => ({
  ...DIALECTS[name].hear(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)), 'hot', memory),
  memory,
})

describe('how the client speaks', () => {
  it('L24 to rhizom: it resumes from the last run that came', () => {
    const { memory, live, marks } = hear('rhizom', { type: 'snapshot', space: '@hot', epoch, version: 4 })
    expect([live, marks, memory]).toEqual([true, false, { epoch, position: '4' }])
    const runs = [4, 6].map((from) => JSON.stringify({ type: 'changes', space: '@hot', epoch, from, to: from + 2 }))
    expect(hear('rhizom', runs.join('\n'), memory).marks).toBe(true)
    const lines = DIALECTS.rhizom.open('@hot', 'token', memory)
    expect(lines.flatMap(parseClientMessage)).toMatchObject([
      { ok: true, value: { type: 'hello' } },
      { ok: true, value: { type: 'subscribe', epoch, after: 8, present: false } },
    ])
    expect(hear('rhizom', { type: 'heartbeat', at: 1, heads: {} }, memory)).toMatchObject({ marks: false })
  })

  it('L24 to Socket.IO: it answers pings, and asks for what came after the last offset', () => {
    expect(hear('socket.io', '2').say).toBe('3')
    expect(hear('socket.io', '0{"sid":"a"}').say).toBe('40')
    const { memory, live } = hear('socket.io', '40{"sid":"b","pid":"p1"}')
    expect(live).toBe(true)
    expect(hear('socket.io', '42["change","~1.5~","1700000000000-3"]', memory).marks).toBe(true)
    expect(hear('socket.io', '0{"sid":"c"}', memory).say).toBe('40{"pid":"p1","offset":"1700000000000-3"}')
  })

  it('L24 to Centrifugo: it answers pings, and recovers from the last offset', () => {
    expect(hear('centrifugo', '{}')).toMatchObject({ say: '{}', marks: false })
    const { memory, live } = hear('centrifugo', '{"id":2,"subscribe":{"recoverable":true,"epoch":"xyz","offset":3}}')
    expect(live).toBe(true)
    hear('centrifugo', '{"push":{"channel":"hot","pub":{"data":{"text":"~1.5~"},"offset":4}}}', memory)
    expect(DIALECTS.centrifugo.open('hot', '', memory).at(-1)).toBe(
      '{"id":2,"subscribe":{"channel":"hot","recover":true,"epoch":"xyz","offset":4}}',
    )
  })

  it('L24 to those who promise nothing: it hears', () => {
    expect(hear('plain', 'in')).toMatchObject({ live: true, marks: false })
    expect(hear('plain', '~1.5~ text')).toMatchObject({ marks: true })
  })
})
