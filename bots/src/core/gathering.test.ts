import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dueAtMs, gather, GATHERING, type Gathering, nothingGathered, take, written } from './gathering.ts'

const done = (state: Gathering): Gathering => ({ ...state, isDone: true })

test('B1 the first words are due at once, later ones an interval after the last append or, if they are enough, no later', () => {
  const first = gather(nothingGathered, 'Well', 1000)
  expect(dueAtMs(first, GATHERING)).toBe(1000)
  const taken = take(first, 1000, 100)
  expect(taken.text).toBe('Well')
  expect(dueAtMs(taken.state, GATHERING)).toBeUndefined()
  const next = gather(gather(taken.state, ',', 1200), ' yes', 1220)
  expect(dueAtMs(next, GATHERING)).toBe(1250)
  expect(dueAtMs(gather(next, 'x'.repeat(256), 1230), GATHERING)).toBe(1050)
  expect(dueAtMs(done(next), GATHERING)).toBe(1050)
  expect(dueAtMs(written(next, 1230), GATHERING)).toBe(1280)
  expect(dueAtMs(written(done(next), 1230), GATHERING)).toBe(1280)
})

test('B1 whatever comes, and however fast: all of it is taken, in order, at most twenty times a second, none held for long', () => {
  const piece = fc.record({ text: fc.string({ unit: 'binary', maxLength: 40 }), afterMs: fc.nat(120) })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      let state = nothingGathered
      let now = 0
      const takenAt: number[] = []
      const texts: string[] = []
      const takeDue = (until: number): void => {
        for (;;) {
          const due = dueAtMs(state, GATHERING)
          if (due === undefined || due > until) return
          const at = Math.max(due, state.sinceMs)
          const taken = take(state, at, 64)
          state = taken.state
          takenAt.push(at)
          texts.push(taken.text)
        }
      }
      for (const { text, afterMs } of pieces) {
        now += afterMs
        takeDue(now)
        state = gather(state, text, now)
      }
      state = done(state)
      takeDue(Number.POSITIVE_INFINITY)
      const all = pieces.map(({ text }) => text).join('')
      expect(texts.join('')).toBe(all.toWellFormed().replaceAll('\u0000', '\uFFFD'))
      expect(texts.every((text) => text !== '' && text.isWellFormed())).toBe(true)
      for (const [index, at] of takenAt.entries())
        if (index > 0) expect(at - (takenAt[index - 1] ?? 0)).toBeGreaterThanOrEqual(GATHERING.intervalMs)
    }),
  )
})

test('B2 a character that was cut in two waits for its other half, and one without is replaced at the end', () => {
  const [high = '', low = ''] = ['😀'.slice(0, 1), '😀'.slice(1)]
  const half = gather(nothingGathered, high, 0)
  expect(dueAtMs(half, GATHERING)).toBeUndefined()
  expect(take(gather(half, low, 1), 1, 100).text).toBe('😀')
  expect(take(gather(half, low, 1), 1, 1).text).toBe('')
  expect(take(done(half), 1, 100).text).toBe('\uFFFD')
})
