import { ManualClock } from '@rhizom/machine/testing'
import { expect, test } from 'vitest'
import { ConditionLog } from './condition-log.ts'
import { metricSet, watchConditions } from './metrics.ts'
import { HeldLog } from './testing/held-log.ts'
import { throttledWarn } from './throttled-warn.ts'

const away = { reason: 'Redis is not reached', problem: 'ECONNREFUSED' }

test('N20 a line has the reason as its message, and beside it what was met, for how long and how often', () => {
  const [log, clock] = [new HeldLog(), new ManualClock()]
  const condition = new ConditionLog({ name: 'redis', log, clock, whenGood: 'Redis is reached again' })
  condition.bad(away)
  condition.bad(away)
  clock.advance(60_000)
  condition.good()
  clock.advance(1_500)
  const fields = { condition: 'redis', problem: 'ECONNREFUSED' }
  expect(log.take()).toEqual([
    { level: 'warn', fields: { ...fields, forMs: 0, times: 1 }, message: 'Redis is not reached' },
    { level: 'warn', fields: { ...fields, forMs: 60_000, times: 2 }, message: 'Redis is not reached' },
    { level: 'info', fields: { ...fields, forMs: 60_000, times: 2 }, message: 'Redis is reached again' },
  ])
  condition.bad(away)
  condition.stop()
  expect(clock.timers).toBe(0)
})

test('N23 the metric tells what the log says', async () => {
  const [log, clock] = [new HeldLog(), new ManualClock()]
  const metrics = metricSet('rhizom_test_')
  const redis = new ConditionLog({ name: 'redis', log, clock, whenGood: 'good' })
  watchConditions(metrics, [redis])
  const told = async () => (await metrics.registry.metrics()).match(/^rhizom_test_condition_good.*$/m)?.[0]
  expect(await told()).toBe('rhizom_test_condition_good{condition="redis"} 1')
  redis.bad(away)
  expect(await told()).toBe('rhizom_test_condition_good{condition="redis"} 0')
})

test('N12 a warning is said once an interval, with how often it came meanwhile', () => {
  const [log, clock] = [new HeldLog(), new ManualClock()]
  const warn = throttledWarn(log, clock, 1_000)
  for (let times = 0; times < 50; times += 1) {
    warn({ times }, 'again')
    clock.advance(100)
  }
  expect(log.take().map(({ fields }) => fields)).toEqual([
    { times: 0 },
    ...[10, 20, 30, 40].map((times) => ({ times, suppressed: 9 })),
  ])
})
