import { expect, test } from 'vitest'
import type { Outcome } from './drill.ts'
import type { RunFacts } from './run-facts.ts'
import { pictureOf } from './report-svg.ts'
import { failuresOf, tableOf } from './report-text.ts'

const facts: RunFacts = {
  command: 'npm run faults',
  commit: 'abc1234',
  date: '2026-11-23',
  seed: 7,
  tookMs: 61_000,
  participants: '2 api nodes & 3 gateways',
  presence: 'presence lease 4 s, grace 1 s',
  logs: '/somewhere/logs',
}

const outcome = (fault: string, more: Partial<Outcome> = {}): Outcome => ({
  fault,
  passed: true,
  acknowledged: 1_234,
  lost: 0,
  duplicated: 0,
  outOfOrder: 0,
  ghosts: 0,
  missing: 0,
  blinks: 0,
  exactMs: 1_110,
  levelMs: 240,
  underFaultMs: undefined,
  readyMs: 300,
  worstDelayMs: 1_500,
  tookMs: 3_000,
  counts: {
    connects: 0,
    silences: 0,
    gaps: 0,
    headsAhead: 0,
    unanswered: 0,
    snapshots: 0,
    resumes: 0,
    unknownOutcomes: 0,
    refusals: 0,
  },
  logLines: 3,
  notes: [],
  problems: [],
  ...more,
})

const bad = outcome('a <bad> one', { passed: false, lost: 2, ghosts: 3, exactMs: undefined, problems: ['lost: 42'] })

test('F25 the table names every fault with its numbers, and what it was run on', () => {
  const table = tableOf([outcome('gateway killed'), bad, outcome('many', { levelMs: 90 }), outcome('many')], facts, [
    'many',
  ])
  expect(table).toMatch(/^gateway killed +1234 +0 +0 +0 +0\.24 s +– +1\.50 s$/m)
  expect(table).toMatch(/^✗ a <bad> one +1234 +2 +0 +0/m)
  expect(table).toMatch(/^4 faults +4936 +2 +0 +0$/m)
  expect(table).toMatch(/^many × 2 +2468 +0 +0 +0 +0\.24 s/m)
  expect(table.indexOf('many')).toBeLessThan(table.indexOf('gateway killed'))
  expect(table).toContain('abc1234, 2026-11-23, seed 7')
  expect(table).toContain('presence lease 4 s, grace 1 s')
})

test('F25 who is here has a table of its own, narrow enough to be read', () => {
  const table = tableOf([outcome('gateway killed'), bad, outcome('many', { exactMs: 90 }), outcome('many')], facts)
  expect(table).toMatch(/^gateway killed +0 +0 +0 +1\.11 s$/m)
  expect(table).toMatch(/^✗ a <bad> one +3 +0 +0 +–$/m)
  expect(table).toMatch(/^many × 2 +0 +0 +0 +1\.11 s$/m)
  expect(table).toMatch(/^4 faults +3 +0 +0$/m)
})

test('F25 a failure is told in full', () => {
  const text = failuresOf([outcome('gateway killed'), bad], facts)
  expect(text).toContain('a <bad> one (seed 7)')
  expect(text).toContain('lost: 42')
  expect(text).toContain('/somewhere/logs')
  expect(text).not.toContain('gateway killed')
})

test('F34 of many problems each kind is told, and how many are not shown', () => {
  const lost = Array.from({ length: 100 }, (_, index) => `lost: ${index}`)
  const text = failuresOf([outcome('a storm', { passed: false, problems: [...lost, 'blink: one', 'a line'] })], facts)
  for (const line of ['lost: 0', 'lost: 29', 'lost: 70 more', 'blink: one', 'a line']) expect(text).toContain(line)
  expect(text).not.toContain('lost: 30\n')
  expect(text.split('\n').length).toBeLessThan(40)
})

test('F25 the picture shows every fault once, adds up its injections, and marks what is not zero', () => {
  const picture = pictureOf([outcome('gateway killed'), outcome('gateway killed'), bad], facts)
  expect(picture).toContain('gateway killed × 2')
  expect(picture).toContain('a &lt;bad&gt; one')
  expect(picture).toContain('2 api nodes &amp; 3 gateways')
  expect(picture).toContain('3 702 acknowledged writes: 2 lost')
  expect(picture).toContain('3 ghosts left, 0 missing')
  expect(picture.match(/class="n bad"/g)).toHaveLength(4)
  expect(picture.match(/<rect class="bar"/g)).toHaveLength(3)
  expect(picture.match(/<rect class="exact"/g)).toHaveLength(3)
})
