import { expect, test } from 'vitest'
import { parseTestArguments } from './arguments.ts'

const steps = (...args: string[]): string[] => {
  const parsed = parseTestArguments(args)
  return parsed.ok ? [...parsed.value.steps] : []
}

test('everything without arguments, one step or several with --only', () => {
  expect(steps()).toEqual(['checks', 'unit', 'int', 'sim', 'e2e', 'fault', 'hostile', 'load'])
  expect(steps('--only', 'checks')).toEqual(['checks'])
  expect(steps('--only', 'unit,int', '--only', 'sim')).toEqual(['unit', 'int', 'sim'])
})

test('a filter goes to the tests and leaves out what has none', () => {
  expect(parseTestArguments(['--', 'snapshot'])).toEqual({
    ok: true,
    value: { steps: new Set(['unit', 'int', 'sim', 'e2e', 'fault', 'hostile']), filters: ['snapshot'] },
  })
  expect(steps('--only', 'int', 'snapshot')).toEqual(['int'])
})

test('--quick is the checks, the unit tests and some seeds, and nothing else beside it', () => {
  expect(steps('--quick')).toEqual(['checks', 'unit', 'seeds'])
  expect(steps('--', '--quick')).toEqual(['checks', 'unit', 'seeds'])
  for (const more of [['--only', 'int'], ['snapshot']])
    for (const args of [
      ['--quick', ...more],
      [...more, '--quick'],
    ])
      expect(parseTestArguments(args)).toMatchObject({ ok: false, problem: expect.stringContaining('--quick') })
})

test.each([[['--only', 'everything']], [['--only']], [['--fast']]])('%j is refused with the usage', (args) => {
  expect(parseTestArguments(args)).toMatchObject({ ok: false, problem: expect.stringContaining('npm test') })
})
