import { place } from '@rhizom/protocol'
import { describe, expect, it } from 'vitest'
import type { SeenChange } from './wire.ts'
import { countLost, note, observe, type Seen, shortName } from './watched-space.ts'

const epoch = '0197f6a0-0000-7000-8000-00000000000a'
const other = '0197f6a0-0000-7000-8000-00000000000b'
const mutationOf = (version: number): string => `0197f6a0-0000-7000-8000-${version.toString(16).padStart(12, '0')}`
const change = (version: number): SeenChange => ({
  version,
  at: 1_000 + version,
  kind: 'intention.put',
  mutation: mutationOf(version),
})
const run = (from: number, to: number, of = epoch) => ({
  type: 'run' as const,
  space: '@lobby',
  epoch: of,
  from,
  to,
  changes: Array.from({ length: to - from }, (_, i) => change(from + 1 + i)),
})
const versions = (changes: readonly SeenChange[] | undefined): number[] => (changes ?? []).map(({ version }) => version)

describe('observe', () => {
  it('L1 nothing is applied before the first snapshot', () => {
    expect(observe(undefined, run(0, 2))).toBeUndefined()
  })

  it('L1 a run that follows is applied', () => {
    const seen = observe({ epoch, version: 4 }, run(4, 6))
    expect(seen).toMatchObject({ held: { epoch, version: 6 }, duplicates: 0, disorders: 0, resume: false })
    expect(versions(seen?.fresh)).toEqual([5, 6])
  })

  it.each([
    ['a gap', run(5, 6)],
    ['another epoch', run(4, 6, other)],
    ['versions out of order', { ...run(4, 6), changes: [change(6), change(5)] }],
    ['a version left out', { ...run(4, 7), changes: [change(5), change(7)] }],
    ['more than it says', { ...run(4, 5), changes: [change(5), change(6)] }],
  ])('L1 %s is out of order, not applied, and makes the client resume', (_, frame) => {
    const seen = observe({ epoch, version: 4 }, frame)
    expect(seen).toMatchObject({ held: { epoch, version: 4 }, fresh: [], disorders: 1, resume: true })
  })

  it('L2 what was there already is counted and not applied again', () => {
    const overlap = observe({ epoch, version: 4 }, run(2, 6))
    expect(overlap).toMatchObject({ held: { version: 6 }, duplicates: 2, disorders: 0 })
    expect(versions(overlap?.fresh)).toEqual([5, 6])
    expect(observe({ epoch, version: 4 }, run(1, 3))).toMatchObject({ held: { version: 4 }, fresh: [], duplicates: 2 })
  })

  it('L2 an answer to a resume that brings nothing is no duplicate', () => {
    expect(observe({ epoch, version: 4 }, run(4, 4))).toMatchObject({ duplicates: 0, disorders: 0, resume: false })
  })

  it('L4 a snapshot that goes back is out of order', () => {
    expect(
      observe({ epoch, version: 4 }, { type: 'snapshot', space: '@lobby', epoch, version: 3, here: [] }),
    ).toMatchObject({
      held: { version: 4 },
      disorders: 1,
    })
  })

  it('L3 a snapshot that goes on stands in for the versions between', () => {
    expect(
      observe({ epoch, version: 4 }, { type: 'snapshot', space: '@lobby', epoch, version: 9, here: [] }),
    ).toMatchObject({
      held: { version: 9 },
      bySnapshot: 5,
      disorders: 0,
    })
  })

  it('L1 judges as the protocol does, wherever a run lies', () => {
    for (let from = 0; from <= 8; from += 1) {
      for (let to = from; to <= 8; to += 1) {
        for (const of of [epoch, other]) {
          const held = { epoch, version: 4 }
          const seen = observe(held, run(from, to, of))
          const placement = place(held, { epoch: of, from, to })
          const applies = placement === 'follows' || placement === 'overlaps'
          const beyond = from > held.version && to > held.version
          expect(versions(seen?.fresh).length > 0, `${of} ${from} ${to}`).toBe(applies && to > 4)
          if (placement === 'gap' || placement === 'other-epoch') expect(seen?.resume).toBe(true)
          if (placement === 'old' && !beyond) expect(seen?.resume).toBe(false)
        }
      }
    }
  })
})

describe('countLost', () => {
  const log = [5, 6, 7, 8].map((version) => shortName(mutationOf(version)))
  const seenOf = (start: number, ...got: number[]): Seen => {
    const seen: Seen = { start, names: [] }
    note(seen, got.map(change))
    return seen
  }

  it('L3 nothing is lost where all came', () => {
    expect(countLost(seenOf(4, 5, 6, 7, 8), 4, log, 0)).toBe(0)
  })

  it('L3 what never came is lost, in the middle and at the end', () => {
    expect(countLost(seenOf(4, 5, 7, 8), 4, log, 0)).toBe(1)
    expect(countLost(seenOf(4, 5, 6), 4, log, 0)).toBe(2)
    expect(countLost(seenOf(4), 4, log, 0)).toBe(4)
  })

  it('L3 what came with another mutation behind it is lost', () => {
    const seen = seenOf(4, 5, 6, 7, 8)
    seen.names[1] = shortName(mutationOf(99))
    expect(countLost(seen, 4, log, 0)).toBe(1)
  })

  it('L3 what came before the client watched, or by snapshot, is not', () => {
    expect(countLost(seenOf(6, 7, 8), 4, log, 0)).toBe(0)
    expect(countLost(seenOf(4, 5, 8), 4, log, 2)).toBe(0)
  })
})
