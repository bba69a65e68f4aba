import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { secretsIn } from '@rhizom/process'
import { parseConfig, settings } from './config.ts'

const good = {
  DATABASE_URL: 'postgres://u:hidden@h/db',
  REDIS_URL: 'redis://h',
  TOKEN_SECRET: randomBytes(16).toString('hex'),
  INTERNAL_TOKEN: randomBytes(8).toString('hex'),
}

test('A40 with the required settings the rest has defaults', () => {
  const parsed = parseConfig(good)
  if (!parsed.ok) throw new Error(parsed.problem)
  expect(parsed.config).toMatchObject({ HOST: '127.0.0.1', MUTATIONS_PER_SECOND: 50, ALLOWED_ORIGINS: [] })
  expect(parsed.config.FAIL_POINT).toBeUndefined()
})

test.each([
  ['PORT', 'many'],
  ['PORT', '70000'],
  ['DATABASE_URL', 'mysql://u:hidden@h/db'],
  ['DATABASE_URL', 'postgres://u:hidden%zz@h/db'],
  ['REDIS_URL', 'hidden'],
  ['INTERNAL_TOKEN', 'hidden between blanks'],
  ['ALLOWED_ORIGINS', 'https://example.org/path'],
  ['LOG_LEVEL', 'hidden'],
  ['FAIL_POINT', 'hidden'],
])('A40 %s=%s is named and not shown', (name, value) => {
  const parsed = parseConfig({ ...good, [name]: value })
  expect(parsed).toMatchObject({ ok: false })
  const problem = parsed.ok ? '' : parsed.problem
  expect(problem).toMatch(new RegExp(`^${name} `))
  expect(problem).not.toContain('hidden')
})

test.each(['DATABASE_URL', 'REDIS_URL', 'TOKEN_SECRET', 'INTERNAL_TOKEN'])(
  'A40 without %s there is no node',
  (name) => {
    expect(parseConfig({ ...good, [name]: '' })).toMatchObject({
      ok: false,
      problem: expect.stringMatching(new RegExp(`^${name} is required`)),
    })
  },
)

test('A40 each setting says what it is for, and each default is valid', () => {
  for (const [name, { description, schema, ...rest }] of Object.entries(settings)) {
    expect(description, name).not.toBe('')
    if ('default' in rest) expect(schema.safeParse(rest.default).success, name).toBe(true)
  }
})

const weak: Record<string, string[]> = {
  TOKEN_SECRET: ['x', 'x'.repeat(32), 'change-me-change-me-change-me-change-me', good.TOKEN_SECRET.slice(1)],
  INTERNAL_TOKEN: ['y', 'y'.repeat(16), 'change-me-change-me', good.INTERNAL_TOKEN.slice(1)],
}

test.each(Object.keys(weak))('A65 a weak %s is refused by its name unless weak ones are allowed', (name) => {
  for (const value of weak[name] ?? []) {
    const parsed = parseConfig({ ...good, [name]: value })
    expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(new RegExp(`^${name} `)) })
    if (value.length > 1) expect(JSON.stringify(parsed)).not.toContain(value)
    expect(parseConfig({ ...good, [name]: value, ALLOW_WEAK_SECRETS: '1' }).ok).toBe(true)
  }
})

test('A201 operators have a name and a token each, and a weak token is refused by the name and not shown', () => {
  const [one, two] = [randomBytes(16).toString('hex'), `${randomBytes(8).toString('hex')}:x`]
  const parsed = parseConfig({ ...good, OPERATOR_TOKENS: `ada:${one}, ben:${two}` })
  expect(parsed).toMatchObject({
    ok: true,
    config: {
      OPERATOR_TOKENS: [
        { name: 'ada', token: one },
        { name: 'ben', token: two },
      ],
    },
  })
  for (const bad of [one, `Ada:${one}`, `ada:${one},ada:${two}`, 'ada:hidden', `ada:${'hidden'.repeat(6)}`, 'ada:']) {
    const refused = parseConfig({ ...good, OPERATOR_TOKENS: bad })
    expect(refused).toMatchObject({ ok: false, problem: expect.stringMatching(/^OPERATOR_TOKENS/) })
    expect(JSON.stringify(refused)).not.toMatch(new RegExp(`hidden|${one}`))
  }
  expect(parseConfig({ ...good, OPERATOR_TOKENS: 'ada:x', ALLOW_WEAK_SECRETS: '1' }).ok).toBe(true)
  expect(secretsIn({ OPERATOR_TOKENS: [{ name: 'ada', token: one }] })).toEqual([one])
})
