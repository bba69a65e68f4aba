import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { encodeWorkMessage, parseRevokedMessage, parseSpaceMessage, parseWorkMessage } from './bus.ts'
import { altersAccess, changeSchema } from './change.ts'
import { clientFrameSchema, parseClientMessage } from './client-frame.ts'
import { encodeMessage, parseJson } from './codec.ts'
import { changesAnswerSchema, postSessionBodySchema, snapshotSchema, workAnswerSchema } from './http.ts'
import { internalReadSchema, internalRevokedAnswerSchema } from './internal.ts'
import { mutationSchema, postMutationsAnswerSchema, postMutationsBodySchema } from './mutation.ts'
import { problemSchema } from './problem-schema.ts'
import { parseServerMessage, serverFrameSchema } from './server-frame.ts'

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
const documents = (name: string): Record<string, unknown> =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(fixture(name)))
const http = documents('v1-http.json')
const replies = documents('v1-replies.json')
const rights = documents('v1-rights.json')

const at = 1763856000000
const header = { version: 1, at, actor: '@ada', mutation: '0193b2a0-0000-7000-8000-000000000101' }

test('P15 every recorded client frame still parses', () => {
  const lines = parseClientMessage(fixture('v1-client-frames.jsonl'))
  expect(lines.filter((line) => !line.ok)).toEqual([])
  const types = new Set(lines.map((line) => line.ok && line.value.type))
  expect(types).toEqual(new Set(clientFrameSchema.options.map((option) => option.shape.type.value)))
})

test('P15 every recorded server frame still parses, and nothing of it is lost', () => {
  const text = fixture('v1-server-frames.jsonl')
  const lines = parseServerMessage(text)
  expect(lines.map((line) => line.ok && line.value)).toEqual(
    text
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
  )
  const types = new Set(lines.map((line) => line.ok && line.value.type))
  expect(types).toEqual(new Set(serverFrameSchema.options.map((option) => option.shape.type.value)))
})

test.each([
  ['postMutations', postMutationsBodySchema],
  ['postMutationsAnswer', postMutationsAnswerSchema],
  ['snapshot', snapshotSchema],
  ['changes', changesAnswerSchema],
  ['internalRead', internalReadSchema],
  ['internalRevoked', internalRevokedAnswerSchema],
  ['problem', problemSchema],
] as const)('P15 the recorded document %s still parses, and nothing of it is lost', (name, schema) => {
  expect(schema.parse(http[name])).toEqual(http[name])
})

test.each([
  ['postMutations', postMutationsBodySchema],
  ['internalRead', internalReadSchema],
] as const)('P15 the recorded document %s of rights still parses, and nothing of it is lost', (name, schema) => {
  expect(schema.parse(rights[name])).toEqual(rights[name])
})

test.each([
  ['postMutations', postMutationsBodySchema],
  ['postMutationsAnswer', postMutationsAnswerSchema],
  ['work', workAnswerSchema],
  ['changes', changesAnswerSchema],
  ['postSession', postSessionBodySchema],
] as const)(
  'P50 the recorded document %s of replies and claims still parses, and nothing of it is lost',
  (name, schema) => {
    expect(schema.parse(replies[name])).toEqual(replies[name])
  },
)

test('P50 an intention of before there were replies is good without what they brought', () => {
  const { intentions } = snapshotSchema.parse(http['snapshot'])
  expect(intentions.length).toBeGreaterThan(0)
  expect(intentions.every((intention) => !('replyTo' in intention) && !('claim' in intention))).toBe(true)
})

test.each([
  [{ name: 'intention.claim', args: { leaseMs: 0 } }, 'leaseMs'],
  [{ name: 'intention.claim', args: { leaseMs: 1.5 } }, 'leaseMs'],
  [{ name: 'intention.claim', args: {} }, 'leaseMs'],
  [{ name: 'intention.claim', args: { leaseMs: 1, fence: -1 } }, 'fence'],
  [{ name: 'intention.claim', args: { leaseMs: 1, fence: 0.5 } }, 'fence'],
  [{ name: 'intention.append', args: { text: 'x', fence: 0 } }, 'fence'],
  [{ name: 'intention.update', args: { fence: 0 } }, 'fence'],
  [{ name: 'intention.append', args: { text: 'x', at: -1 } }, 'at'],
  [{ name: 'intention.append', args: { text: 'x', fence: '44' } }, 'fence'],
  [{ name: 'intention.update', args: { reason: 'x'.repeat(501) } }, 'reason'],
])('P51 %j is malformed at %s', ({ name, args }, field) => {
  const mutation = { id: header.mutation, space: '@lobby', name, args: { id: header.mutation, ...args } }
  expect(parseJson(postMutationsBodySchema, JSON.stringify({ mutations: [mutation] }))).toMatchObject({
    ok: false,
    path: `mutations.0.args.${field}`,
  })
})

test('P51 the fence of a claim may be 0', () => {
  const args = { id: header.mutation, leaseMs: 1, fence: 0 }
  const mutation = { id: header.mutation, space: '@lobby', name: 'intention.claim', args }
  expect(postMutationsBodySchema.safeParse({ mutations: [mutation] }).success).toBe(true)
})

test('P52 a session is asked for by one way alone: a name, a bot, an assertion or a code of an issuer', () => {
  const fault = (body: unknown) => parseJson(postSessionBodySchema, JSON.stringify(body))
  expect(fault({})).toMatchObject({ ok: false, path: 'name' })
  expect(fault({ being: '@bot', name: 'Bot' })).toMatchObject({ ok: false, path: 'being' })
  expect(fault({ being: '@bot', id: '@bot' })).toMatchObject({ ok: false, path: 'being' })
  const [issuer, redirectUri] = ['https://id.example.org', 'https://example.org/sign-in']
  const code = { issuer, code: 'x', verifier: 'x'.repeat(43), nonce: 'x'.repeat(16), redirectUri }
  for (const way of [{ name: 'Ada' }, { being: '@bot' }, { assertion: 'x.y.z' }, { code }])
    expect(fault(way).ok).toBe(true)
  expect(fault({ assertion: 'x.y.z', code })).toMatchObject({ ok: false, path: 'being' })
  expect(fault({ code: { ...code, verifier: 'short' } })).toMatchObject({ ok: false, path: 'code.verifier' })
})

test('P53 the message of work names beings; fields of a later release are ignored, and what is malformed is refused', () => {
  expect(parseWorkMessage(JSON.stringify(replies['workMessage']))).toEqual({ ok: true, value: ['@guide', '@bot'] })
  expect(parseWorkMessage(encodeWorkMessage(['@bot']))).toEqual({ ok: true, value: ['@bot'] })
  expect(parseWorkMessage('{"beings":["@bot"],"why":"x"}')).toEqual({ ok: true, value: ['@bot'] })
  for (const message of ['', '{}', '[]', '{"beings":"@bot"}', '{"beings":["bot"]}'])
    expect(parseWorkMessage(message).ok).toBe(false)
})

test('P15 the recorded bus message still parses', () => {
  const parsed = parseSpaceMessage(new TextEncoder().encode(fixture('v1-bus.txt').trim()))
  expect(parsed).toMatchObject({ ok: true, value: { kind: 'changes', from: 42, to: 51, altersAccess: true } })
})

test('P15 the recorded message of removed beings still parses', () => {
  expect(parseRevokedMessage(fixture('v1-revoked.txt').trim())).toEqual({
    ok: true,
    value: { '@ada': 1763942460000, '@bob': 1763942460001 },
  })
})

test('P8 a put without the whole entity, a remove without id and an append without text are malformed', () => {
  expect(changeSchema.safeParse({ ...header, kind: 'being.put', body: { id: '@ada', name: 'Ada' } }).success).toBe(
    false,
  )
  expect(changeSchema.safeParse({ ...header, kind: 'being.remove', body: {} }).success).toBe(false)
  expect(changeSchema.safeParse({ ...header, kind: 'intention.append', body: { id: header.mutation } }).success).toBe(
    false,
  )
  expect(changeSchema.safeParse({ ...header, kind: 'being.remove', body: { id: '@ada' } }).success).toBe(true)
})

test('P8 versions of changes begin at 1', () => {
  expect(changeSchema.safeParse({ ...header, version: 0, kind: 'being.remove', body: { id: '@ada' } }).success).toBe(
    false,
  )
})

test('P9 only members, the space and its removal alter access', () => {
  const kinds = changeSchema.options.map((option) => option.shape.kind.value)
  expect(kinds.filter(altersAccess)).toEqual(['space.put', 'space.remove', 'member.put', 'member.remove'])
})

test('P10 each mutation name has its own arguments', () => {
  const recorded = [http, rights, replies].flatMap((of) => postMutationsBodySchema.parse(of['postMutations']).mutations)
  expect(new Set(recorded.map((mutation) => mutation.name)).size).toBe(16)
  expect(new Set(mutationSchema.options.map((option) => option.shape.name.value)).size).toBe(16)
})

test('P10 a fault in a batch is named by its path', () => {
  const mutation = { id: header.mutation, space: '@lobby' }
  const fault = (body: unknown) => parseJson(postMutationsBodySchema, JSON.stringify(body))
  expect(
    fault({ mutations: [{ ...mutation, name: 'member.put', args: { being: '@bob', role: 'king' } }] }),
  ).toMatchObject({
    ok: false,
    path: 'mutations.0.args.role',
  })
  expect(fault({ mutations: [{ ...mutation, name: 'space.explode', args: {} }] })).toMatchObject({
    ok: false,
    path: 'mutations.0.name',
  })
  expect(fault({ mutations: [] })).toMatchObject({ ok: false, path: 'mutations' })
  expect(fault([])).toMatchObject({ ok: false })
})

test('P11 only mutations of beings may name no space', () => {
  const recorded = postMutationsBodySchema.parse(http['postMutations']).mutations
  for (const mutation of recorded) {
    const nowhere = mutationSchema.safeParse({ ...mutation, space: null })
    expect([mutation.name, nowhere.success]).toEqual([mutation.name, mutation.name.startsWith('being.')])
  }
})

test('P12 a frame of an unknown type is ignored, and so are unknown fields', () => {
  expect(parseClientMessage('{"type":"dance","tempo":3}')).toEqual([
    { ok: true, value: { type: 'ignored', unknownType: 'dance' } },
  ])
  expect(parseClientMessage('{"type":"ping","loud":true}')).toEqual([{ ok: true, value: { type: 'ping' } }])
  expect(parseServerMessage('{"type":"pong","x":1}\n{"type":"later"}')).toEqual([
    { ok: true, value: { type: 'pong' } },
    { ok: true, value: { type: 'ignored', unknownType: 'later' } },
  ])
})

test('P13 a malformed line does not cost its neighbours', () => {
  const lines = parseClientMessage(
    '{"type":"ping"}\n{broken\n\n[]\n{"type":7}\n{"type":"subscribe"}\n{"type":"ping"}\n',
  )
  expect(lines.map((line) => line.ok)).toEqual([true, false, false, false, false, true])
})

test('P13 parsing never throws, whatever a peer sends', () => {
  const soup = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify({ type: 'subscribe', space: value })),
  )
  fc.assert(
    fc.property(fc.array(soup), (parts) => {
      for (const line of [...parseClientMessage(parts.join('\n')), ...parseServerMessage(parts.join('\n'))])
        expect(typeof line.ok).toBe('boolean')
    }),
  )
})

test('P13 frames with line breaks in their text stay one line each', () => {
  const frames = [
    { type: 'signal', space: '@lobby', name: 'say', data: { text: 'one\ntwo\r\u2028three' } },
    { type: 'ping' },
  ] as const
  expect(parseClientMessage(encodeMessage(frames)).map((line) => line.ok && line.value)).toEqual(frames)
})

test('P14 subscribe takes epoch and after together or neither', () => {
  const parse = (fields: object) =>
    parseClientMessage(JSON.stringify({ type: 'subscribe', space: '@lobby', ...fields }))[0]
  expect(parse({})).toEqual({ ok: true, value: { type: 'subscribe', space: '@lobby', present: true } })
  expect(parse({ epoch: header.mutation, after: 0 })?.ok).toBe(true)
  expect(parse({ epoch: header.mutation })?.ok).toBe(false)
  expect(parse({ after: 3 })?.ok).toBe(false)
  expect(parse({ epoch: header.mutation, after: -1 })?.ok).toBe(false)
})
