import fc from 'fast-check'
import { expect, test } from 'vitest'
import { append, emptyRing, runsAfter } from './ring.ts'
import { withoutRemoved } from './erase.ts'
import { changesOf, encodeRun, type LooseChange, type Run } from './run.ts'

const SPACE = '@lobby'
const EPOCH = '00000000-0000-4000-8000-000000000001'
const limits = { maxChanges: 1000, maxBytes: 1_000_000 }
const idOf = (n: number): string => `00000000-0000-7000-8000-00000000000${n}`

type Made = { kind: 'intention.put' | 'intention.append'; id: number }
const bodyOf = ({ kind, id }: Made) =>
  kind === 'intention.put'
    ? { id: idOf(id), content: [`words ${id}`], former: [`words ${id}`], reason: `words ${id}` }
    : { id: idOf(id), text: `words ${id}` }

/** Runs of the given sizes, and one that removes the words of intention 1. */
function ringOf(made: readonly Made[], size: number) {
  const changes: LooseChange[] = made.map((one, at) => ({ version: at + 1, kind: one.kind, body: bodyOf(one) }))
  let ring = emptyRing
  for (let at = 0; at < changes.length; at += size)
    ring = append(ring, encodeRun(SPACE, EPOCH, at, changes.slice(at, at + size)), limits)
  const removal: LooseChange = { version: made.length + 1, kind: 'intention.remove', body: { id: idOf(1) } }
  const run = encodeRun(SPACE, EPOCH, made.length, [removal])
  return { ring: append(ring, run, limits), run, changes: [...changes, removal] }
}

const made = fc.record({
  kind: fc.constantFrom('intention.put' as const, 'intention.append' as const),
  id: fc.integer({ min: 1, max: 3 }),
})

test('G16 a run that removes words blanks them in the ring, every other change stays as it is, byte for byte', () => {
  fc.assert(
    fc.property(fc.array(made, { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), (drawn, size) => {
      const { ring, run, changes } = ringOf(drawn, size)
      expect(run.erases).toBe(true)
      const blanked = withoutRemoved(SPACE, ring, run)
      const told = (runs: readonly Run[] | undefined) => runs?.flatMap((one) => changesOf(one) ?? [])
      const head = drawn.length + 1
      const expected = changes.map((change) => {
        if (change.body['id'] !== idOf(1) || change.kind === 'intention.remove') return change
        const words = change.kind === 'intention.put' ? { content: [] } : { text: ' ' }
        return { ...change, body: { id: idOf(1), ...words } }
      })
      expect(told(runsAfter(blanked, SPACE, 0, head))).toEqual(expected)
      expect(JSON.stringify(expected)).not.toContain('words 1')
      expect(blanked.bytes).toBe(blanked.runs.reduce((sum, { frame }) => sum + frame.length, 0))
      for (const [index, former] of ring.runs.entries())
        if (!new TextDecoder().decode(former.frame).includes(idOf(1))) expect(blanked.runs[index]).toBe(former)
    }),
  )
})

test('G16 what cannot be read is not kept', () => {
  const { ring, run } = ringOf([{ kind: 'intention.put', id: 1 }], 1)
  const broken = { ...run, frame: run.frame.slice(0, -3) }
  expect(withoutRemoved(SPACE, ring, broken)).toEqual(emptyRing)
})
