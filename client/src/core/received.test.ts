import { type Change, encodeFrame } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { aBeing, anUtterance, SpaceLog } from '../testing/space-log.ts'
import { readAnswer, readServerMessage } from './received.ts'
import { applyChange, contentOf } from './space-content.ts'

function aRun() {
  const log = new SpaceLog('@lobby')
  const changes = [
    log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby' }) }),
    log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@ada', 'hello') }),
    log.write({ kind: 'member.put', body: { being: '@ada', role: 'owner' } }),
    log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@ada', 'and again') }),
  ]
  return { log, changes }
}

/** The run as a server sends it that has altered one of its changes. */
function altered(at: number, alter: (change: Change) => object) {
  const { log, changes } = aRun()
  const sent = changes.map((change, index) => (index === at ? alter(change) : change))
  const frame = { type: 'changes', space: '@lobby', epoch: log.epoch, from: 0, to: 4, changes: sent }
  const [line] = readServerMessage(encodeFrame(frame))
  const run = line?.ok === true && line.value.type === 'changes' ? line.value.changes : undefined
  return { log, changes, line, run }
}

test.each([
  [1, 'intention.put', (change: Change) => ({ ...change, body: { ...change.body, type: 'reaction' } })],
  [1, 'intention.put', (change: Change) => ({ ...change, body: { ...change.body, state: 'archived' } })],
  [1, 'intention.put', (change: Change) => ({ ...change, body: { ...change.body, content: [7] } })],
  [0, 'being.put', (change: Change) => ({ ...change, body: { ...change.body, type: 'robot' } })],
  [2, 'member.put', (change: Change) => ({ ...change, body: { ...change.body, role: 'moderator' } })],
  [3, 'change of kind poll.put', (change: Change) => ({ ...change, kind: 'poll.put', body: { id: 'p' } })],
])(
  'C140 change %d, %s, of a newer server stays in its run as opaque, and its neighbours are read',
  (at, sort, alter) => {
    const { line, run, changes } = altered(at, alter)
    expect(run?.map(({ version }) => version)).toEqual([1, 2, 3, 4])
    expect(run?.map(({ kind }) => kind)).toEqual(changes.map(({ kind }, index) => (index === at ? 'opaque' : kind)))
    expect(line?.leftOut).toEqual([expect.stringContaining(sort)])
  },
)

test('C140 a remove or an append that is not understood is not left out: its line is not understood', () => {
  for (const kind of ['intention.append', 'intention.remove', 'space.remove'])
    expect(altered(1, (change) => ({ ...change, kind, body: { id: 7 } })).line).toMatchObject({ ok: false })
  expect(altered(1, (change) => ({ ...change, version: 'two', kind: 'poll.put' })).line).toMatchObject({ ok: false })
})

test('C140 what an entity was is let go of when it becomes what is not known, and nothing else is', () => {
  const { log } = aRun()
  const before = contentOf(log.snapshot())
  const id = before.intentions[0]?.id ?? ''
  const after = applyChange(before, { kind: 'opaque', version: 5, puts: { kind: 'intention.put', id } })
  expect(after).toEqual({
    ...before,
    position: { ...before.position, version: 5 },
    intentions: before.intentions.slice(1),
  })
  const being = applyChange(before, { kind: 'opaque', version: 5, puts: { kind: 'being.put', id: '@ada' } })
  expect(being).toMatchObject({ beings: {}, beingCount: before.beingCount, intentions: before.intentions })
  const member = applyChange(before, { kind: 'opaque', version: 5, puts: { kind: 'member.put', id: '@ada' } })
  expect(member).toMatchObject({ members: {}, beings: before.beings })
  const other = applyChange(before, { kind: 'opaque', version: 5, puts: undefined })
  expect(other).toEqual({ ...before, position: { ...before.position, version: 5 } })
})

test('C140 a snapshot is read without the entities that are not known, also where those are thousands', () => {
  const { log } = aRun()
  const { space, ...rest } = log.snapshot()
  const unknown = Array.from({ length: 5_000 }, () => ({ ...anUtterance('@lobby', '@ada', 'x'), type: 'reaction' }))
  const frame = {
    ...rest,
    type: 'snapshot',
    space: space.id,
    entity: space,
    intentions: [...unknown, ...rest.intentions],
    beings: [...rest.beings, { ...aBeing('@r2'), type: 'robot' }],
    members: [...(rest.members ?? []), { being: '@ada', role: 'moderator' }, 'a member'],
    here: [],
    hereCount: 0,
  }
  const [line] = readServerMessage(encodeFrame(frame))
  expect(line).toMatchObject({ ok: true, value: { ...rest, space: '@lobby', entity: space } })
  expect(line?.leftOut).toHaveLength(5_003)
  expect(new Set(line?.leftOut).size).toBe(4)
})

test('C140 a space that is itself not known is not understood, and neither is what is no frame at all', () => {
  const { log } = aRun()
  const { space, ...rest } = log.snapshot()
  const entity = { ...space, visibility: 'secret' }
  const frame = { ...rest, type: 'snapshot', space: space.id, entity, here: [], hereCount: 0 }
  for (const text of [encodeFrame(frame), '7', '[]', '{', '{"type":"changes","changes":[null]}'])
    expect(readServerMessage(text)).toMatchObject([{ ok: false }])
})

test('C140 of an answer only the entities are left out that are not known', () => {
  const read = (json: unknown) => ({ ok: !JSON.stringify(json).includes('robot'), value: json, problem: 'a robot' })
  const text = JSON.stringify({ beings: [aBeing('@ada'), { ...aBeing('@r2'), type: 'robot' }] })
  expect(readAnswer(text, read)).toMatchObject({ answer: { value: { beings: [{ id: '@ada' }] } } })
})
