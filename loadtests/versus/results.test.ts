import { describe, expect, it } from 'vitest'
import { panelsOf, versusChart } from './chart.ts'
import type { Delivery } from './profiles.ts'
import { markdownReport } from './report.ts'
import { discardReason, type Measured, median, rowsOf } from './results.ts'

const aDelivery = (over: Partial<Delivery> = {}): Delivery => ({
  ...{ clients: 10, live: 10, delivered: 1_000, twice: 0, outOfOrder: 0, bytes: 650_000, cuts: 0, busy: 0.5 },
  ...{ delays: [0, 500, 490, 0, 10], delaysAfterReturn: [] },
  ...{ sent: 100, seconds: 2, serverCpuMs: 10, serverBusy: 0.1 },
  ...over,
})
const fanOut = (peer: string, round: number, over: Partial<Delivery> = {}): Measured => ({
  profile: 'fan-out',
  peer,
  round,
  load: '10 watchers',
  delivery: aDelivery(over),
})
const idle = (bytesEach: number): Measured => ({
  profile: 'idle',
  peer: 'rhizom',
  round: 1,
  load: '100 connections',
  idle: { connections: 100, bytesEach },
})

describe('the rows of a comparison', () => {
  it('L25 are the middle one of the rounds, for each system and load', () => {
    const rows = rowsOf([
      fanOut('rhizom', 1, { serverCpuMs: 30 }),
      fanOut('bare', 1),
      fanOut('rhizom', 2, { serverCpuMs: 10 }),
      fanOut('rhizom', 3, { serverCpuMs: 20 }),
    ])
    expect(rows.map(({ peer, rounds, microseconds }) => [peer, rounds, microseconds])).toEqual([
      ['rhizom', 3, 20],
      ['bare', 1, 10],
    ])
    expect(rows[0]).toMatchObject({ p50Ms: 1, p99Ms: 2, lost: 0, deliveredShare: 1, bytesADelivery: 650 })
    expect(median([], (one: number) => one)).toBeUndefined()
  })

  it('L25 say what was lost', () => {
    expect(rowsOf([fanOut('bare', 1, { delivered: 999 })])[0]).toMatchObject({ lost: 1, deliveredShare: 0.999 })
  })

  it('L25 what clients without time left measured is left out, and so is nothing', () => {
    expect(discardReason(fanOut('rhizom', 1))).toBeUndefined()
    expect(discardReason(fanOut('rhizom', 1, { busy: 0.99 }))).toMatch(/no time left/)
    expect(discardReason(fanOut('rhizom', 1, { delivered: 0 }))).toMatch(/nothing was delivered/)
    expect(discardReason(idle(2_048))).toBeUndefined()
  })
})

describe('the table', () => {
  const facts = {
    ...{ at: '2026-11-28 12:00', machine: 'a machine', command: 'npm run versus', note: 'a busy machine' },
    peers: [{ name: 'rhizom', version: 'this tree', settings: 'usual' }],
    discarded: [{ what: 'AnyCable', why: 'it cannot be built' }],
  }

  it('L26 says what was measured, of what, with which settings, and what was left out and why', () => {
    const text = markdownReport(rowsOf([fanOut('rhizom', 1), idle(2_048)]), facts)
    for (const part of [
      'a busy machine',
      '| 10 watchers | rhizom | 10.00 | 1 | 2 | 0 |',
      '| 2.0 |',
      'this tree | usual',
    ])
      expect(text).toContain(part)
    expect(text).toContain('- AnyCable: it cannot be built')
  })

  it('L26 never says 100 % of what is not whole', () => {
    const delivery = aDelivery({ sent: 1_000_000, delivered: 9_999_999 })
    const jitter: Measured = { profile: 'jitter', peer: 'rhizom', round: 1, load: '10 clients', delivery }
    expect(markdownReport(rowsOf([jitter]), facts)).toContain('| 99.99 % | 1 |')
    expect(versusChart(rowsOf([jitter]), '')).not.toContain('100.00')
  })
})

describe('the picture', () => {
  it('L26 has a panel for each measure, asks nobody for anything and runs nothing', () => {
    const rows = rowsOf([fanOut('rhizom', 1), fanOut('<bare>', 1, { serverBusy: 0.99 }), idle(2_048)])
    expect(panelsOf(rows).map(({ unit }) => unit)).toEqual([
      'µs CPU a delivery',
      'ms from write to screen, p99',
      'kB resident each',
    ])
    const svg = versusChart(rows, 'when & where')
    expect(svg).not.toMatch(/<script|<image|@import|url\(|href|https?:\/\/(?!www\.w3\.org\/2000\/svg)/)
    expect(svg).toContain('&lt;bare&gt;')
    expect(svg).toContain('saturated')
    expect(versusChart([], '')).toContain('</svg>')
  })
})
