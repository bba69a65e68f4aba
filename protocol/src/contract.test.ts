import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  encodeChangesMessage,
  encodeHeadsMessage,
  encodeRevokedMessage,
  encodeSignalMessage,
  parseHeadsMessage,
  parseRevokedMessage,
  parseSpaceMessage,
  REDIS,
} from './bus.ts'
import { CLOSE, closePolicy } from './close-code.ts'
import * as protocol from './index.ts'
import { problemSchema } from './problem-schema.ts'
import { PROBLEMS, problemOf } from './problem.ts'

/** All schemas by name, as JSON schema, so that formatting and refactoring do not change the fingerprint. */
const exported: [string, unknown][] = Object.entries(protocol)
const wire = exported
  .flatMap(([name, value]) =>
    value instanceof z.ZodType ? [[name, z.toJSONSchema(value, { io: 'input', unrepresentable: 'any' })] as const] : [],
  )
  .sort(([left], [right]) => (left < right ? -1 : 1))

test('P16 the wire has not changed by accident', () => {
  const fingerprint = createHash('sha256').update(JSON.stringify(wire)).digest('hex').slice(0, 16)
  expect(
    { version: protocol.PROTOCOL_VERSION, fingerprint },
    'The schemas changed. If old and new peers still understand each other (an added optional field, a new frame type), put the new fingerprint here. If not, raise PROTOCOL_VERSION and write the reason into version.ts. Either way add fixtures for what is new; never edit recorded ones.',
  ).toEqual({ version: 1, fingerprint: '4a6b99206cd8491e' })
})

test('P16 the fingerprint sees a changed field', () => {
  const change = (schema: z.ZodType) => JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  expect(change(protocol.beingSchema)).not.toBe(change(protocol.beingSchema.omit({ rev: true })))
})

test('P17 the range of a close code is its policy', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 5000 }), (code) => {
      const stops = code >= 4500 && code <= 4999
      expect(closePolicy(code)).toBe(stops ? 'stop' : code === CLOSE.tokenExpired.code ? 'new-token' : 'reconnect')
    }),
  )
})

test('P17 the codes of the contract', () => {
  expect(Object.values(CLOSE).map(({ code }) => code)).toEqual([
    4000, 4001, 4002, 4003, 4004, 4500, 4501, 4502, 4503, 4504,
  ])
})

test('P18 a problem document carries the status of its code', () => {
  for (const code of Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[]) {
    const document = problemOf(code, 'why', { retryAfterMs: 5 })
    expect(problemSchema.parse(document)).toMatchObject({
      code,
      status: PROBLEMS[code].status,
      detail: 'why',
      retryAfterMs: 5,
    })
  }
})

test('P18 only 408, 429, 500 and 503 can be retried unchanged', () => {
  const later = Object.values(PROBLEMS).filter(({ retry }) => retry === 'later')
  expect(new Set(later.map(({ status }) => status))).toEqual(new Set([408, 429, 500, 503]))
})

const epoch = '0193b2a0-0000-7000-8000-0000000000e1'
const change = {
  version: 43,
  kind: 'being.remove',
  at: 1763856000000,
  actor: '@ada',
  mutation: '0193b2a0-0000-7000-8000-000000000101',
  body: { id: '@bob' },
} as const

test('P19 a changes message is a header and the frame for clients, byte for byte', () => {
  const message = encodeChangesMessage('@lobby', epoch, 42, [change, { ...change, version: 44 }])
  const parsed = parseSpaceMessage(message)
  if (!parsed.ok || parsed.value.kind !== 'changes') throw new Error('expected a changes message')
  const { frame, ...header } = parsed.value
  expect(header).toEqual({ kind: 'changes', epoch, from: 42, to: 44, altersAccess: false, erases: false })
  expect(frame.buffer).toBe(message.buffer)
  expect(protocol.parseServerMessage(new TextDecoder().decode(frame))).toMatchObject([
    { ok: true, value: { type: 'changes', space: '@lobby', epoch, from: 42, to: 44 } },
  ])
})

test('P19 the header tells whether access may have changed', () => {
  const parsed = parseSpaceMessage(encodeChangesMessage('@lobby', epoch, 42, [{ ...change, kind: 'member.remove' }]))
  expect(parsed).toMatchObject({ ok: true, value: { altersAccess: true } })
})

test('P61 the header tells whether words are removed, and one of an older node that they are not', () => {
  const removal = { ...change, kind: 'intention.remove', body: { id: '0193b2a0-0000-7000-8000-000000000101' } } as const
  const message = encodeChangesMessage('@lobby', epoch, 42, [change, { ...removal, version: 44 }])
  expect(parseSpaceMessage(message)).toMatchObject({ ok: true, value: { altersAccess: false, erases: true } })
  const older = new TextDecoder().decode(message).replace(' - erases\n', ' -\n')
  expect(parseSpaceMessage(new TextEncoder().encode(older))).toMatchObject({ ok: true, value: { erases: false } })
})

test('P19 signals and heads travel whole', () => {
  const signal = parseSpaceMessage(encodeSignalMessage('@lobby', '@ada', 'typing', { on: true }))
  if (!signal.ok || signal.value.kind !== 'signal') throw new Error('expected a signal')
  expect(signal.value.being).toBe('@ada')
  expect(JSON.parse(new TextDecoder().decode(signal.value.frame))).toEqual({
    type: 'signal',
    space: '@lobby',
    from: '@ada',
    name: 'typing',
    data: { on: true },
  })
  const heads = { '@lobby': { epoch, version: 7 } }
  expect(parseHeadsMessage(encodeHeadsMessage(heads))).toEqual({ ok: true, value: heads })
})

test.each([
  '',
  'no newline',
  'rhizom2 changes x 1 2 -\n{}',
  `rhizom1 changes ${epoch} 2 2 -\n{}`,
  `rhizom1 changes ${epoch} 3 2 -\n{}`,
  `rhizom1 changes ${epoch} -1 2 -\n{}`,
  `rhizom1 changes ${epoch} 1 99999999999999999999 -\n{}`,
  'rhizom1 changes nonsense 1 2 -\n{}',
  `rhizom1 changes ${epoch}\n{}`,
  'rhizom1 signal\n{}',
  'rhizom1 dance x\n{}',
  `${'x'.repeat(300)}\n{}`,
])('P20 the bus message %j is refused', (message) => {
  expect(parseSpaceMessage(new TextEncoder().encode(message)).ok).toBe(false)
})

test('P25 removed beings travel with the time until which it matters; fields of a later release are ignored', () => {
  const beings = { '@ada': 1763942460000 }
  expect(parseRevokedMessage(encodeRevokedMessage(beings))).toEqual({ ok: true, value: beings })
  expect(parseRevokedMessage(JSON.stringify({ beings, why: 'x' }))).toEqual({ ok: true, value: beings })
})

test('P70 ended sessions travel beside removed beings; who knows of none reads the rest as ever', () => {
  const [beings, sessions] = [{ '@ada': 1763942460000 }, { '0193b2a0-0000-4000-8000-000000000001': 1763942460001 }]
  const message = encodeRevokedMessage(beings, sessions)
  expect(parseRevokedMessage(message)).toEqual({ ok: true, value: { ...beings, ...sessions } })
  expect(JSON.parse(message)).toMatchObject({ beings })
  expect(parseRevokedMessage(JSON.stringify({ beings, sessions: { '@ada': 1 } })).ok).toBe(false)
})

test.each(['', '{}', '{"beings":["@ada"]}', '{"beings":{"ada":1}}', '{"beings":{"@ada":"soon"}}'])(
  'P25 the message of removed beings %j is refused without an exception',
  (message) => {
    expect(parseRevokedMessage(message).ok).toBe(false)
  },
)

test('P20 no bytes on the bus make parsing throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.string(), (bytes, text) => {
      expect(typeof parseSpaceMessage(bytes).ok).toBe('boolean')
      expect(typeof parseHeadsMessage(text).ok).toBe('boolean')
      expect(typeof parseRevokedMessage(text).ok).toBe('boolean')
    }),
  )
})

test('P21 the names of a space carry it in braces', () => {
  expect([REDIS.spaceChannel('@lobby'), REDIS.here('@lobby')]).toEqual(['rhizom:{@lobby}', 'rhizom:{@lobby}:here'])
  expect(REDIS.gatewayLease('b1')).toBe('rhizom:gateway:b1')
})

test('P22 sources import nothing but zod and each other, and no global that a browser lacks', () => {
  const folder = new URL('.', import.meta.url)
  const sources = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  expect(sources.length).toBeGreaterThan(10)
  for (const file of sources) {
    const source = readFileSync(new URL(file, folder), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
    const imported = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1])
    expect(imported.filter((name) => name !== 'zod' && !name?.startsWith('./'))).toEqual([])
    expect(source).not.toMatch(/\b(process|Buffer|require|__dirname|setImmediate)\b/)
  }
})
