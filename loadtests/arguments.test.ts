import { describe, expect, it } from 'vitest'
import { parseArguments } from './arguments.ts'

describe('the arguments', () => {
  it('L7 have defaults for a long and a short run', () => {
    expect(parseArguments([])).toMatchObject({ ok: true, short: false, plan: { clients: 200, durationSeconds: 60 } })
    expect(parseArguments(['--short'])).toMatchObject({
      ok: true,
      short: true,
      plan: { clients: 20, durationSeconds: 5 },
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
      plan: { clients: 50, spaces: 5, writers: 8, rate: 300, durationSeconds: 20, p95Ms: 250 },
    })
  })

  it.each([
    [['--clients', '0'], /--clients is to be a whole number above zero/],
    [['--rate', 'many'], /--rate is to be a whole number/],
    [['--speed', '9'], /speed/],
    [['--rate', '100', '--writers', '2'], /--writers 3/],
    [['--spaces', '30', '--clients', '20'], /watched by none/],
  ])('L7 %j are refused', (args, says) => {
    const parsed = parseArguments(args)
    expect(parsed.ok ? '' : parsed.problem).toMatch(says)
  })

  it('L7 no virtual user is left without a client', () => {
    for (const clients of [1, 2, 9, 10, 11, 399, 5_000]) {
      const parsed = parseArguments(['--clients', String(clients), '--spaces', '1'])
      expect(parsed.ok && parsed.plan.watcherVus <= clients && parsed.plan.watcherVus <= 40).toBe(true)
    }
  })
})
