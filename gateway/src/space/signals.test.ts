import { beforeEach, expect, test } from 'vitest'
import { ManualClock } from '@rhizom/machine/testing'
import { SignalWindow } from './signals.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
let clock: ManualClock
let sent: string[]
let gather: SignalWindow
const push = (key: string | undefined, text: string): void => gather.push(key, encoder.encode(text))

beforeEach(() => {
  clock = new ManualClock()
  sent = []
  gather = new SignalWindow(clock, 100, (frame) => sent.push(decoder.decode(frame)))
})

test('G107 the first after quiet goes at once, then the latest of each', () => {
  push('@ada typing', 'a1')
  expect(sent).toEqual(['a1'])
  for (const [key, text] of [
    ['@ada typing', 'a2'],
    ['@bob typing', 'b1'],
    ['@ada typing', 'a3'],
    ['@ada cursor', 'c1'],
  ] as const)
    push(key, text)
  clock.advance(99)
  expect(sent).toEqual(['a1'])
  clock.advance(1)
  expect(sent).toEqual(['a1', 'a3', 'b1', 'c1'])
  push('@ada typing', 'a4')
  clock.advance(100)
  clock.advance(100)
  expect(sent).toEqual(['a1', 'a3', 'b1', 'c1', 'a4'])
  push('@ada typing', 'a5')
  expect(sent.at(-1)).toBe('a5')
})

test('G107 signals whose names are not told apart all go', () => {
  for (const text of ['1', '2', '3']) push(undefined, text)
  clock.advance(100)
  expect(sent).toEqual(['1', '2', '3'])
})

test('G107 what waits is bounded, and gone once it is stopped', () => {
  for (let index = 0; index < 3000; index++) push(`@b${index} x`, `${index}`)
  clock.advance(100)
  expect(sent).toHaveLength(1001)
  push('@a x', 'last')
  gather.stop()
  clock.advance(1000)
  expect(sent).toHaveLength(1001)
})
