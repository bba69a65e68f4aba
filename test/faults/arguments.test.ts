import { expect, test } from 'vitest'
import { parseFaultArguments } from './arguments.ts'
import { EVERY_FAULT, LONG_RUN_FAULTS } from './catalog/catalog.ts'

const namesOf = (...args: string[]): string[] => {
  const parsed = parseFaultArguments(args)
  return parsed.ok ? parsed.value.faults.map(({ name }) => name) : []
}
const everyName = LONG_RUN_FAULTS.map(({ name }) => name)

test('F33 each fault once, all of them where there is time, and those of a name wherever they belong', () => {
  expect(namesOf()).toEqual(EVERY_FAULT.map(({ name }) => name))
  expect(namesOf('--', '--minutes', '15')).toEqual(everyName)
  const ofOneLink = everyName.filter((name) => name.includes('one link'))
  expect(ofOneLink).toHaveLength(10)
  expect(namesOf('--only', 'One Link')).toEqual(ofOneLink)
  expect(namesOf('--minutes', '1', '--only', 'one link')).toEqual(ofOneLink)
})

test('F33 the usage is told on demand, and with what is not understood', () => {
  for (const help of ['--help', '-h'])
    expect(parseFaultArguments([help])).toEqual({ ok: false, code: 0, problem: expect.stringContaining('--minutes') })
  const mistakes: [string[], string][] = [
    [['--minutes', 'soon'], '--minutes takes'],
    [['--minutes', '0'], '--minutes takes'],
    [['--seed', '1.5'], '--seed takes'],
    [['--fast'], '--fast'],
    [['Redis'], 'Redis'],
    [['--only', 'no such thing'], everyName.at(-1) ?? ''],
  ]
  for (const [args, why] of mistakes) {
    const parsed = parseFaultArguments(args)
    expect(parsed).toMatchObject({ ok: false, code: 2, problem: expect.stringContaining(why) })
    expect(parsed).toMatchObject({ problem: expect.stringContaining('npm run faults') })
  }
})
