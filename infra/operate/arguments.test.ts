import { expect, test } from 'vitest'
import { parseOperatorArguments, USAGE } from './arguments.ts'
import { COMMANDS } from './commands.ts'

const callOf = (...args: string[]) => {
  const parsed = parseOperatorArguments(args)
  if (!parsed.ok) throw new Error(parsed.text)
  const { method, path, body, question } = parsed.call
  return { call: `${method} ${path}`, body, question }
}

test('I90 a command is a call of the api, and what is given is escaped', () => {
  expect(callOf('beings', '--name', 'a&b', '--sort', 'bytes')).toEqual({
    ...{ call: 'GET /operator/v1/beings?name=a%26b&sort=bytes', body: undefined, question: undefined },
  })
  expect(callOf('ban', '@lobby', '@eve', '--why', 'floods')).toEqual({
    ...{
      call: 'POST /operator/v1/spaces/%40lobby/ban',
      body: { being: '@eve', reason: 'floods' },
      question: undefined,
    },
  })
  expect(callOf('end-session', '@a/b', '../x', '--why', 'lost').call).toBe(
    'POST /operator/v1/beings/%40a%2Fb/sessions/..%2Fx/end',
  )
  expect(callOf('audit', '--limit', '5').call).toBe('GET /operator/v1/audit?limit=5')
})

test.each([
  [[], 'COMMAND'],
  [['bna', '@lobby', '@eve'], 'no command "bna"'],
  [['ban', '@lobby', '--why', 'x'], 'ban SPACE BEING'],
  [['beings', 'ada'], 'it is beings'],
  [['ban', '@lobby', '@eve'], '--why'],
  [['ban', '@lobby', '@eve', '--why', '  '], '--why'],
  [['nodes', '--limit', '5'], 'takes no --limit'],
  [['beings', '--why', 'x'], 'takes no --why'],
  [['beings', '--sotr', 'id'], '--sotr'],
])('I90 %j is refused in words', (args, words) => {
  const parsed = parseOperatorArguments(args)
  expect(parsed).toMatchObject({ ok: false, code: 2, text: expect.stringContaining(words) })
  expect(parsed).toMatchObject({ text: expect.stringContaining(USAGE) })
})

test('I90 whatever cannot be undone is asked about, unless it is said', () => {
  const asks = (word: string, ...more: string[]) => {
    const takes = COMMANDS.find((one) => one.word === word)?.takes.map((name) => `@${name}`) ?? []
    return callOf(word, ...takes, '--why', 'x', ...more).question
  }
  for (const { word, kind } of COMMANDS.filter((one) => one.kind !== 'looks')) {
    expect([word, asks(word) !== undefined]).toEqual([word, kind === 'final'])
    expect(asks(word, '--yes')).toBeUndefined()
  }
  expect(parseOperatorArguments(['--help'])).toEqual({ ok: false, code: 0, text: USAGE })
})
