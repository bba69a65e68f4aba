import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodePresenceMessage, encodeSignalMessage, parsePresenceHint, parseSpaceMessage } from './bus.ts'
import {
  encodeGatewayBeat,
  mergePresence,
  parseGatewayBeat,
  parsePresenceField,
  type PresenceEntry,
  presenceEntrySchema,
  presenceField,
} from './presence.ts'

const entry = (since: number, setAt = 0, state = {}): PresenceEntry => ({ state, since, setAt, rev: 1 })
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('P23 a presence message travels whole', () => {
  const hint = { put: { '@ada': entry(5, 7, { away: true }) }, left: { '@bob': 9 }, formerly: ['b0'] }
  const message = parseSpaceMessage(encodePresenceMessage('b1', 3, 7, hint))
  if (!message.ok || message.value.kind !== 'presence') throw new Error('expected a presence message')
  expect(message.value).toMatchObject({ bootId: 'b1', from: 3, to: 7 })
  expect(parsePresenceHint(message.value)).toEqual({ ok: true, value: hint })
})

test.each([
  'rhizom1 presence\n{}',
  'rhizom1 presence b/1 0 1\n{}',
  'rhizom1 presence b1 1 1\n{}',
  'rhizom1 presence b1 x 1\n{}',
])('P20 P23 the presence message %j is refused', (message) => expect(parseSpaceMessage(bytes(message)).ok).toBe(false))

test('P23 no body makes parsing throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(typeof parsePresenceHint({ kind: 'presence', bootId: 'b', from: 0, to: 1, body: bytes(body) }).ok).toBe(
        'boolean',
      )
      expect(typeof parseGatewayBeat(body).ok).toBe('boolean')
    }),
  )
})

test('P23 a beat and a field travel whole, and what is none is told apart', () => {
  const beat = { bootId: 'b1', wrote: { '@lobby': 4 }, stops: false }
  expect(parseGatewayBeat(encodeGatewayBeat(beat))).toEqual({ ok: true, value: beat })
  expect(parsePresenceField(presenceField('b1', '@ada'))).toEqual({ bootId: 'b1', being: '@ada' })
  for (const field of ['', '@ada', 'b1/', '/@ada', 'b 1/@ada', 'b1/ada'])
    expect(parsePresenceField(field)).toBeUndefined()
})

test('P23 an entry of a release that knew less still counts', () => {
  expect(presenceEntrySchema.parse({ state: {}, since: 5 })).toEqual({ state: {}, since: 5, setAt: 0, rev: 0 })
})

test('P24 since the earliest, in the state set last, the greater boot id among equals', () => {
  expect(mergePresence([])).toBeUndefined()
  const merged = { state: { at: 2 }, since: 3, setAt: 20 }
  expect(
    mergePresence([
      ['a', entry(3, 10, { at: 1 })],
      ['b', entry(5, 20, { at: 2 })],
    ]),
  ).toEqual(merged)
  expect(
    mergePresence([
      ['a', entry(3, 20, { at: 1 })],
      ['b', entry(5, 20, { at: 2 })],
    ]),
  ).toEqual(merged)
})

test('P24 the order of entries does not matter', () => {
  const entries = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(3), fc.nat(3)), {
    selector: ([boot]) => boot,
  })
  fc.assert(
    fc.property(entries, (parts) => {
      const list = parts.map(([boot, since, setAt]): [string, PresenceEntry] => [boot, entry(since, setAt, { boot })])
      expect(mergePresence(list)).toEqual(mergePresence(list.toReversed()))
    }),
  )
})

test('P19 the header of a signal tells its name as one word, unless it is too long', () => {
  const wordOf = (name: string): string | undefined => {
    const message = parseSpaceMessage(encodeSignalMessage('@lobby', '@ada', name, {}))
    if (!message.ok || message.value.kind !== 'signal') throw new Error('expected a signal')
    return message.value.word
  }
  expect(wordOf('typing')).toBe('typing')
  expect(wordOf('two words\nand a line')).toBe('two%20words%0Aand%20a%20line')
  expect(wordOf('漢'.repeat(64))).toBeUndefined()
})
