import { describe, expect, it } from 'vitest'
import { Delays, Ear, eachMark, markedText, markOf } from './marks.ts'

const marksIn = (text: string): [number, number][] => {
  const found: [number, number][] = []
  eachMark(Buffer.from(text), (number, sentAtMs) => found.push([number, sentAtMs]))
  return found
}

describe('a mark', () => {
  it('L23 is read wherever it stands, and several from one message', () => {
    expect(marksIn(`{"a":"${markOf(1, 1_700_000_000_001)} x"}\n[${markOf(20, 5)}]`)).toEqual([
      [1, 1_700_000_000_001],
      [20, 5],
    ])
  })

  it('L23 that is cut short, or is none, is not read', () => {
    for (const text of ['', '~', '~12', '~12.', '~12.5', '~~', '~12~', 'no mark']) expect(marksIn(text)).toEqual([])
  })

  it('L23 makes a text as long as asked for', () => {
    expect(markedText(7, 5, 650)).toHaveLength(650)
    expect(marksIn(markedText(7, 5, 650))).toEqual([[7, 5]])
  })
})

describe('what a client heard', () => {
  const heard = (...numbers: number[]) => {
    const ear = new Ear()
    for (const number of numbers) ear.hear(number)
    return ear.findings
  }

  it.each([
    ['each once and in order', [1, 2, 3], { delivered: 3, twice: 0, outOfOrder: 0 }],
    ['one left out', [1, 3], { delivered: 2, twice: 0, outOfOrder: 0 }],
    ['one twice', [1, 2, 2], { delivered: 2, twice: 1, outOfOrder: 0 }],
    ['two swapped', [2, 1], { delivered: 2, twice: 0, outOfOrder: 1 }],
    ['one late and again', [2, 1, 1], { delivered: 2, twice: 1, outOfOrder: 1 }],
  ])('L23 %s', (_, numbers, findings) => expect(heard(...numbers)).toEqual(findings))
})

describe('delays', () => {
  it('L23 are percentiles of all, kept as counts', () => {
    const delays = new Delays()
    for (let ms = 1; ms <= 100; ms += 1) delays.add(ms)
    expect([delays.at(0.5), delays.at(0.99), delays.at(1)]).toEqual([50, 99, 100])
  })

  it('L23 of none there is none, and the longest are cut off at a minute', () => {
    const delays = new Delays()
    expect(delays.at(0.5)).toBeUndefined()
    delays.add(1e9)
    delays.add(-5)
    expect([delays.at(0.5), delays.at(1)]).toEqual([0, 60_000])
  })
})
