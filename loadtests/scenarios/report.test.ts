import { describe, expect, it } from 'vitest'
import { aPlan } from '../testing/a-plan.ts'
import { htmlReport, percentileChart, roundUp } from './report-html.ts'
import { figuresOf, textReport } from './report.ts'

const plan = aPlan()
const trend = (scale: number) => ({
  values: {
    count: 100,
    min: scale,
    avg: 3 * scale,
    'p(5)': scale,
    'p(25)': 2 * scale,
    med: 3 * scale,
    'p(75)': 4 * scale,
    'p(90)': 5 * scale,
    'p(95)': 6 * scale,
    'p(99)': 7 * scale,
    'p(99.9)': 8 * scale,
    max: 9 * scale,
  },
})
const summary = (lost: number) => ({
  metrics: {
    changes_lost: { values: { count: lost }, thresholds: { 'count==0': { ok: lost === 0 } } },
    changes_seen: { values: { count: 4_800 }, thresholds: { 'count>0': { ok: true } } },
    commit_to_screen: { ...trend(1), thresholds: { 'p(95)<500': { ok: true } } },
    'commit_to_screen{gateway:1}': trend(1),
    'commit_to_screen{gateway:2}': trend(2),
    post_to_answer: trend(1),
  },
})

describe('the figures', () => {
  it('L9 pass where every bound held', () => {
    const figures = figuresOf(summary(0), plan)
    expect(figures.passed).toBe(true)
    expect(figures.counts).toMatchObject({ changes_seen: 4_800, changes_lost: 0 })
    expect(figures.commitToScreen).toMatchObject({ median: 3, p95: 6, p999: 8 })
    expect(figures.byGateway.map((percentiles) => percentiles?.median)).toEqual([3, 6])
  })

  it('L9 do not pass where one did not, and the text says which', () => {
    const figures = figuresOf(summary(3), plan)
    expect(figures.passed).toBe(false)
    expect(textReport(figures)).toContain('NOT HELD  changes_lost: count==0')
  })

  it('L9 do not pass where nothing was measured', () => {
    expect(figuresOf({}, plan).passed).toBe(false)
    expect(figuresOf(undefined, plan).passed).toBe(false)
    expect(textReport(figuresOf({}, plan))).toContain('nothing measured')
  })
})

describe('the page', () => {
  it('L10 asks nobody for anything and runs no script', () => {
    const html = htmlReport(figuresOf(summary(0), plan))
    expect(html).not.toMatch(/<script|<link|<img|@import|url\(|https?:\/\//)
    expect(html).toContain('Every bound holds')
  })

  it('L10 draws a line for all and one for each gateway', () => {
    expect(htmlReport(figuresOf(summary(0), plan)).match(/<polyline/g)).toHaveLength(3)
    expect(htmlReport(figuresOf({}, plan))).toContain('No change reached a screen')
  })

  it('L10 draws the bound where the chart reaches it', () => {
    const percentiles = figuresOf(summary(0), plan).commitToScreen
    if (percentiles === undefined) throw new Error('nothing measured')
    expect(percentileChart([{ name: 'a<b', percentiles }], 5)).toContain('class="bound"')
    expect(percentileChart([{ name: 'a<b', percentiles }], 500)).not.toContain('class="bound"')
    expect(percentileChart([{ name: 'a<b', percentiles }], 500)).toContain('a&lt;b')
  })

  it.each([
    [0, 1],
    [0.4, 0.5],
    [1, 1],
    [7, 10],
    [130, 200],
  ])('L10 the top of the axis for %d is %d', (value, top) => expect(roundUp(value)).toBeCloseTo(top))
})
