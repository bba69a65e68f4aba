/** On processes of this machine: what is measured is what its scheduler does. */
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../cluster/cluster.ts'
import { LagMeter } from './lag-meter.ts'

const meter = new LagMeter([])
afterEach(() => meter.stop())

const block = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('H23 what this process is late when the answer comes is taken off, and what it was late before is not', async () => {
  meter.start()
  const from = performance.now()
  block(300)
  const late = performance.now()
  expect(meter.lost(from, late, [])).toBeGreaterThan(200)
  await eventually('a moment has passed', () => performance.now() > late + 100)
  const to = performance.now()
  expect(meter.lost(from, to, [])).toBeLessThan(late - from)
  expect(meter.lost(late + 30, to, [])).toBeLessThanOrEqual(to - late - 30)
})
