import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { common, httpUrls, parseSettings, setting, whole } from './settings.ts'

const table = {
  PORT: common.PORT('4000'),
  API_URL: setting(httpUrls, 'Where the api is'),
  TOKEN_SECRET: common.TOKEN_SECRET('Verifies', 'TOKEN_PUBLIC_KEYS'),
  INTERNAL_TOKEN: common.INTERNAL_TOKEN('Shown to the api'),
  INTERNAL_TOKENS: common.INTERNAL_TOKENS,
  BUS_KEYS: common.BUS_KEYS,
  ALLOW_WEAK_SECRETS: common.ALLOW_WEAK_SECRETS,
  LOG_LEVEL: common.LOG_LEVEL,
  ALLOWED_ORIGINS: common.ALLOWED_ORIGINS('call', 'host'),
  LIMIT: setting(whole(1, 9), 'A limit', '3'),
}
const good = {
  API_URL: 'http://a.test:4000/, http://b.test',
  TOKEN_SECRET: randomBytes(16).toString('hex'),
  INTERNAL_TOKEN: randomBytes(8).toString('hex'),
}

test('N1 what is not given has its default, and an empty value counts as not given', () => {
  const parsed = parseSettings(table, { ...good, LIMIT: '' })
  expect(parsed).toEqual({
    ok: true,
    config: {
      ...{ PORT: 4000, API_URL: ['http://a.test:4000', 'http://b.test'], LIMIT: 3 },
      ...{ ALLOW_WEAK_SECRETS: false, LOG_LEVEL: 'info', ALLOWED_ORIGINS: [] },
      ...{ TOKEN_SECRET: good.TOKEN_SECRET, INTERNAL_TOKEN: good.INTERNAL_TOKEN },
      ...{ INTERNAL_TOKENS: [], BUS_KEYS: [] },
    },
  })
})

test.each([
  ['PORT', 'hidden'],
  ['PORT', '-1'],
  ['PORT', '70000'],
  ['LIMIT', '1e1'],
  ['LIMIT', '9999999999999999999999'],
  ['API_URL', 'ftp://hidden'],
  ['API_URL', ','],
  ['ALLOWED_ORIGINS', 'https://example.org/hidden'],
  ['LOG_LEVEL', 'hidden'],
  ['INTERNAL_TOKEN', 'hidden between blanks'],
  ['TOKEN_SECRET', 'hidden'],
])('N1 %s=%s is refused in one line that begins with the name and does not show the value', (name, value) => {
  const parsed = parseSettings(table, { ...good, [name]: value })
  const problem = parsed.ok ? '' : parsed.problem
  expect(problem).toMatch(new RegExp(`^${name} [^\n]+$`))
  expect(problem).not.toContain('hidden')
})

test.each(Object.keys(good))('N1 without %s there is nothing to start', (name) => {
  const parsed = parseSettings(table, { ...good, [name]: '' })
  expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(new RegExp(`^${name} is required`)) })
})

test('N1 weak secrets pass where they are allowed', () => {
  expect(parseSettings(table, { ...good, TOKEN_SECRET: 'x', ALLOW_WEAK_SECRETS: '1' }).ok).toBe(true)
})

test('N65 a variable may be left out where the one that can be given instead is', () => {
  const tokens = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  const several = { ...good, INTERNAL_TOKEN: '', INTERNAL_TOKENS: tokens.join(', ') }
  const parsed = parseSettings(table, several)
  expect(parsed).toMatchObject({ ok: true, config: { INTERNAL_TOKEN: '', INTERNAL_TOKENS: tokens } })
})

test('N65 of several secrets each is looked at', () => {
  const BUS_KEYS = `${randomBytes(32).toString('hex')},short`
  const parsed = parseSettings(table, { ...good, BUS_KEYS })
  expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(/^BUS_KEYS is shorter than 32/) })
})
