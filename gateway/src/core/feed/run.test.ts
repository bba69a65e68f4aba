import { encodeChangesMessage, parseSpaceMessage, type Change } from '@rhizom/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { change, decode, EPOCH, everybody, only, OTHER_EPOCH, runOf, SPACE } from '../../testing/space-log.ts'
import { splitByAccess } from './access.ts'
import { keepParked, nothingParked, park, splice } from './splice.ts'
import { append, emptyRing, oldestVersion, runsAfter } from './ring.ts'
import { closeWith } from './open-frame.ts'
import { runFromMessage, changesOf, encodeResumed, encodeRun, type Run, trimRun } from './run.ts'

const ranges = (runs: readonly Run[]): string[] => runs.map(({ from, to }) => `${from}-${to}`)

describe('runs', () => {
  test('G11 a message is taken byte for byte, and is what we would have written', () => {
    const changes = [change(42), change(43)] as unknown as Change[]
    const bytes = encodeChangesMessage(SPACE, EPOCH, 41, changes)
    const run = runOf(41, 43)
    expect(run).toEqual(encodeRun(SPACE, EPOCH, 41, [change(42), change(43)]))
    expect(decode(bytes).endsWith(decode(run.frame))).toBe(true)
  })

  test('G11 a frame written in another order is rewritten; one that lies about its range is not taken', () => {
    const header = { kind: 'changes', epoch: EPOCH, from: 41, to: 42, altersAccess: false, erases: false } as const
    const frameOf = (fields: object): Uint8Array => new TextEncoder().encode(JSON.stringify(fields))
    const frame = { epoch: EPOCH, type: 'changes', space: SPACE, to: 42, from: 41, changes: [change(42)] }
    expect(runFromMessage(SPACE, { ...header, frame: frameOf(frame) })).toEqual(runOf(41, 42))
    expect(runFromMessage(SPACE, { ...header, frame: frameOf({ ...frame, changes: [change(43)] }) })).toBeUndefined()
    expect(runFromMessage(SPACE, { ...header, frame: frameOf({ ...frame, space: '@other' }) })).toBeUndefined()
    expect(runFromMessage(SPACE, { ...header, frame: new TextEncoder().encode('{') })).toBeUndefined()
  })

  test('G11 cutting keeps exactly the changes after a version', () => {
    const run = runOf(10, 20)
    expect(trimRun(SPACE, run, 10)).toBe(run)
    expect(trimRun(SPACE, run, 17)).toEqual(runOf(17, 20))
    const broken: Run = { ...run, frame: new TextEncoder().encode('x'.repeat(run.frame.length)) }
    expect(trimRun(SPACE, broken, 17)).toBeUndefined()
    expect(changesOf(broken)).toBeUndefined()
  })

  test('G16 an answer joins the bytes of its runs', () => {
    const body = encodeResumed(SPACE, { epoch: EPOCH, from: 1, to: 4 }, [runOf(1, 2), runOf(2, 4)])
    expect(JSON.parse(decode(closeWith(body, { here: [], hereCount: 0 })))).toEqual({
      type: 'resumed',
      space: SPACE,
      epoch: EPOCH,
      from: 1,
      to: 4,
      changes: [change(2), change(3), change(4)],
      here: [],
      hereCount: 0,
    })
    const empty = encodeResumed(SPACE, { epoch: EPOCH, from: 4, to: 4 }, [])
    expect(JSON.parse(decode(closeWith(empty, { here: [] })))).toMatchObject({ from: 4, to: 4, changes: [], here: [] })
  })

  test('G16 text of a change stays what it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const message = parseSpaceMessage(
          encodeChangesMessage(SPACE, EPOCH, 0, [change(1, 'intention.append', { text })] as unknown as Change[]),
        )
        const run = message.ok && message.value.kind === 'changes' ? runFromMessage(SPACE, message.value) : undefined
        expect(run === undefined ? undefined : changesOf(run)?.[0]?.body['text']).toBe(text)
      }),
    )
  })
})

describe('splicing', () => {
  const held = { epoch: EPOCH, version: 10 }

  test('G11 follows, overlaps, old, ahead and of another epoch', () => {
    const { tail, ahead } = splice(SPACE, held, [
      runOf(15, 16),
      runOf(10, 12),
      runOf(8, 10),
      runOf(11, 13),
      runOf(12, 13, OTHER_EPOCH),
    ])
    expect(ranges(tail)).toEqual(['10-12', '12-13'])
    expect(ranges(ahead)).toEqual(['12-13', '15-16'])
  })

  test('G11 any heap of runs gives a tail without gap and overlap, as long as it can be', () => {
    const arbitrary = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 5 })), {
      maxLength: 30,
      size: 'max',
    })
    fc.assert(
      fc.property(arbitrary, (pairs) => {
        const { tail, ahead } = splice(
          SPACE,
          held,
          pairs.map(([from, length]) => runOf(from, from + length)),
        )
        let version = held.version
        for (const run of tail) {
          expect(run.from).toBe(version)
          expect(changesOf(run)?.map((one) => one.version)).toEqual(
            Array.from({ length: run.to - run.from }, (_, index) => run.from + index + 1),
          )
          version = run.to
        }
        for (const run of ahead) expect(run.from).toBeGreaterThan(version)
        const reachable = new Set(
          pairs.flatMap(([from, length]) => Array.from({ length }, (_, index) => from + index + 1)),
        )
        expect(
          reachable.has(version + 1) && pairs.some(([from, length]) => from <= version && from + length > version),
        ).toBe(false)
      }),
    )
  })

  test('G15 parking is bounded by number and bytes, and keeps one of twins', () => {
    const limits = { maxRuns: 2, maxBytes: 10_000 }
    const entry = (from: number) => ({ run: runOf(from, from + 1), readSeq: 0 })
    const one = park(nothingParked, entry(20), limits)
    expect(park(one.parked, entry(20), limits)).toEqual({ parked: one.parked, outcome: 'duplicate' })
    const two = park(one.parked, entry(22), limits)
    expect(park(two.parked, entry(24), limits)).toEqual({ parked: nothingParked, outcome: 'overflowed' })
    expect(park(one.parked, entry(22), { maxRuns: 9, maxBytes: 300 }).outcome).toBe('overflowed')
    expect(keepParked(two.parked, () => true)).toBe(two.parked)
    expect(keepParked(two.parked, () => false).bytes).toBe(0)
  })
})

describe('the ring', () => {
  test('G16 it answers any position it reaches back to, exactly, and no other', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 30, size: 'max' }),
        fc.nat(20),
        (lengths, keep) => {
          let ring = emptyRing
          let head = 7
          for (const length of lengths) {
            ring = append(ring, runOf(head, head + length), { maxChanges: keep, maxBytes: 1e6 })
            head += length
          }
          expect(ring.changes).toBeLessThanOrEqual(keep)
          for (let after = 0; after <= head + 2; after++) {
            const runs = runsAfter(ring, SPACE, after, head)
            const isHeld = after === head || (after >= oldestVersion(ring, head) && after < head)
            expect(runs !== undefined, `after ${after}`).toBe(isHeld)
            const versions = runs?.flatMap((run) => changesOf(run)?.map((one) => one.version) ?? [])
            if (isHeld) expect(versions).toEqual(Array.from({ length: head - after }, (_, index) => after + index + 1))
          }
        },
      ),
    )
  })

  test('G16 it is bounded by bytes, too', () => {
    const size = runOf(0, 1).frame.length
    let ring = emptyRing
    for (let at = 0; at < 9; at++) ring = append(ring, runOf(at, at + 1), { maxChanges: 100, maxBytes: size * 3 })
    expect(ranges(ring.runs)).toEqual(['6-7', '7-8', '8-9'])
    expect(append(ring, runOf(9, 20), { maxChanges: 100, maxBytes: size })).toEqual(emptyRing)
  })
})

describe('access along a run', () => {
  const remove = (version: number, id: string) => change(version, 'member.remove', { id })
  const put = (version: number, being: string) => change(version, 'member.put', { being, role: 'member' })
  const space = (version: number, visibility: string) => change(version, 'space.put', { id: SPACE, visibility })
  const parts = (readers: typeof everybody, changes: Parameters<typeof runOf>[3] & object) =>
    splitByAccess(SPACE, runOf(0, changes.length, EPOCH, changes), readers)?.map(({ run, readers: after, effect }) => [
      `${run.from}-${run.to}`,
      effect,
      [...after.members].join(' '),
    ])

  test('G31 a run is cut right after a change that takes access', () => {
    expect(parts(only('@ada', '@bob'), [change(1), remove(2, '@bob'), change(3)])).toEqual([
      ['0-2', 'narrowed', '@ada'],
      ['2-3', 'none', '@ada'],
    ])
    expect(parts(everybody, [space(1, 'private'), put(2, '@bob')])).toEqual([
      ['0-1', 'narrowed', ''],
      ['1-2', 'none', '@bob'],
    ])
    expect(parts(only('@ada'), [change(1), change(2, 'space.remove'), change(3)])).toEqual([
      ['0-2', 'removed', '@ada'],
      ['2-3', 'none', '@ada'],
    ])
  })

  test('G31 a run that takes nothing stays whole, byte for byte', () => {
    const changes = [put(1, '@bob'), space(2, 'private'), remove(3, '@nobody')]
    const run = runOf(0, 3, EPOCH, changes)
    expect(splitByAccess(SPACE, run, only('@ada'))).toEqual([{ run, readers: only('@ada', '@bob'), effect: 'none' }])
  })

  test('G31 a change that is not understood leaves the question to the api', () => {
    expect(parts(only('@ada'), [change(1, 'member.put', {})])).toBeUndefined()
    expect(parts(only('@ada'), [space(1, 'secret')])).toBeUndefined()
  })
})
