import { expect, test } from 'vitest'
import { peerCost, presenceChart, type PresenceMeasure, presenceTable } from './presence-report.ts'

const measure = (connections: number, spaces: number): PresenceMeasure => ({
  connections,
  spaces,
  idle: 4.26,
  churn: 412.4,
  entries: connections,
  idleCommands: '',
  churnCommands: '',
})
const measures = [measure(1000, 1), measure(1000, 500), measure(15_000, 10)]

test('the table has a line for each measure beside the computed figure', () => {
  const lines = presenceTable(measures).split('\n')
  expect(lines).toHaveLength(4)
  expect(lines[3]?.trim().split(/ {2,}/)).toEqual(['15 000', '10', '15 000', '4.3', '412', '600'])
  expect(new Set(lines.map((line) => line.length)).size).toBe(1)
})

test('the computed figure is one command for each connection every 25 seconds', () => {
  expect([1000, 5000, 15_000].map(peerCost)).toEqual([40, 200, 600])
})

test('the picture shows every figure and asks nobody for anything', () => {
  const svg = presenceChart(measures, 'under churn')
  expect(svg.match(/class="idle" x/g)).toHaveLength(measures.length + 1)
  expect(svg.match(/class="peer" x/g)).toHaveLength(3)
  expect(svg).toContain('>600<')
  expect(svg).not.toMatch(/NaN|undefined|href|<script|url\(/)
})
