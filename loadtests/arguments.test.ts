import { spaceIdSchema } from '@rhizom/protocol'
import { describe, expect, it } from 'vitest'
import { LIST, parseArguments, tokensProblem, USAGE } from './arguments.ts'
import { SCENARIO_NAMES } from './scenarios/catalogue.ts'
import { aPlan } from './testing/a-plan.ts'

describe('the arguments', () => {
  it('L7 have defaults for a long and a short run', () => {
    expect(parseArguments([])).toMatchObject({
      ok: true,
      short: false,
      plans: [{ scenario: 'write-to-screen', clients: 200, durationSeconds: 60 }],
    })
    expect(parseArguments(['--short'])).toMatchObject({
      ok: true,
      short: true,
      plans: [{ clients: 20, durationSeconds: 4 }],
    })
  })

  it('L7 change what they name', () => {
    const args = [
      '--clients',
      '50',
      '--spaces=5',
      '--writers',
      '8',
      '--rate',
      '300',
      '--duration',
      '20',
      '--p95',
      '250',
    ]
    expect(parseArguments(args)).toMatchObject({
      ok: true,
      plans: [{ clients: 50, spaces: 5, writers: 8, rate: 300, durationSeconds: 20, p95Ms: 250 }],
    })
  })

  it.each([
    [['--clients', '0'], /--clients is to be a whole number above zero/],
    [['--rate', 'many'], /--rate is to be a whole number/],
    [['--speed', '9'], /speed/],
    [['--rate', '100', '--writers', '2'], /--writers 3/],
    [['--spaces', '30', '--clients', '20'], /watched by none/],
    [['--scenario', 'everything'], /there is no scenario everything[\s\S]*hot-space/],
    [['--scenario', 'toString'], /there is no scenario/],
    [['--short', '--full'], /not both/],
    [['--scenario', 'token-streams', '--writers', '20', '--rate', '500'], /at most 20 changes a second/],
    [['--scenario', 'presence-churn', '--spaces', '1'], /not listed by name/],
    [['--api', 'http://api.test'], /both --api and --gateways/],
    [['--metrics', 'http://api.test'], /goes with --api/],
    [['--api', 'http://api.test?token=x', '--gateways', 'http://g.test'], /tokens go into a file/],
    [['--api', 'ftp://api.test', '--gateways', 'http://g.test'], /is no address/],
    [['--scenario', 'soak', '--api', 'http://api.test', '--gateways', 'http://g.test'], /--metrics/],
  ])('L7 %j are refused', (args, says) => {
    const parsed = parseArguments(args)
    expect(parsed.ok ? '' : parsed.problem).toMatch(says)
  })

  it('L7 no virtual user is left without a client', () => {
    for (const clients of [1, 2, 9, 10, 11, 399, 5_000]) {
      const parsed = parseArguments(['--clients', String(clients), '--spaces', '1'])
      const vus = parsed.ok ? (parsed.plans[0]?.watcherVus ?? 0) : 0
      expect(vus > 0 && vus <= clients && vus <= 40).toBe(true)
    }
  })

  it('L16 name a scenario, or all of them, in three sizes', () => {
    for (const size of [[], ['--short'], ['--full']]) {
      const parsed = parseArguments(['--scenario', 'all', ...size])
      expect(parsed.ok ? parsed.plans.map(({ scenario }) => scenario) : parsed.problem).toEqual(SCENARIO_NAMES)
    }
    expect(LIST.split('\n')).toHaveLength(SCENARIO_NAMES.length)
    for (const name of SCENARIO_NAMES) expect(USAGE).toContain(name)
  })

  it('L16 no two runs use the same names', () => {
    const parsed = parseArguments(['--scenario', 'all'], 'abc')
    const runs = parsed.ok ? parsed.plans.map(({ run }) => run) : []
    expect(new Set(runs).size).toBe(SCENARIO_NAMES.length)
    for (const run of runs) expect(spaceIdSchema.safeParse(`@load-${run}-1000`).success).toBe(true)
  })

  it('L17 name a system elsewhere', () => {
    const args = ['--api', 'https://a.test/,https://b.test', '--gateways', 'https://g.test']
    expect(parseArguments([...args, '--metrics', 'http://g.test:5100'])).toMatchObject({
      ok: true,
      remote: {
        api: ['https://a.test', 'https://b.test'],
        gateways: ['https://g.test'],
        metrics: [{ url: 'http://g.test:5100/metrics' }],
      },
    })
  })

  it('L17 ask for a token for each who acts, or for none', () => {
    const plan = aPlan({ writers: 4, churn: { beings: 6, staySeconds: 1, awaySeconds: 1 } })
    expect(tokensProblem(plan, 0)).toBeUndefined()
    expect(tokensProblem(plan, 10)).toBeUndefined()
    expect(tokensProblem(plan, 9)).toMatch(/needs 10 tokens/)
  })
})
