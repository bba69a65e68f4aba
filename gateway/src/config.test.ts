import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseConfig, settings } from './config.ts'

const env = {
  REDIS_URL: 'redis://127.0.0.1:6379',
  API_URL: 'http://a.test:4000/, http://b.test:4000',
  TOKEN_SECRET: randomBytes(16).toString('hex'),
  INTERNAL_TOKEN: randomBytes(8).toString('hex'),
}

describe('settings', () => {
  test('G70 required ones are named', () => {
    for (const name of Object.keys(env))
      expect(parseConfig({ ...env, [name]: '' })).toMatchObject({ ok: false, problem: expect.stringContaining(name) })
  })

  test('G70 a bad value is named by its variable and not shown', () => {
    const bad = { PORT: 'seven', INTERNAL_TOKEN: 'between blanks', ALLOWED_ORIGINS: 'rhizom.test', API_URL: 'ftp://a' }
    for (const [name, value] of Object.entries(bad)) {
      const parsed = parseConfig({ ...env, [name]: value })
      expect(parsed).toMatchObject({ ok: false, problem: expect.stringContaining(name) })
      expect(JSON.stringify(parsed)).not.toContain(value)
    }
  })

  test('G70 defaults are themselves valid, and lists are lists', () => {
    const parsed = parseConfig({ ...env, ALLOWED_ORIGINS: 'https://a.test, https://b.test' })
    expect(parsed).toMatchObject({
      ok: true,
      config: {
        PORT: 4100,
        HOST: '127.0.0.1',
        API_URL: ['http://a.test:4000', 'http://b.test:4000'],
        ALLOWED_ORIGINS: ['https://a.test', 'https://b.test'],
      },
    })
  })

  test('G70 a weak secret is refused by its name unless weak ones are allowed', () => {
    const weak = {
      TOKEN_SECRET: ['x', 'x'.repeat(32), 'change-me-change-me-change-me-change-me', env.TOKEN_SECRET.slice(1)],
      INTERNAL_TOKEN: ['y', 'y'.repeat(16), 'change-me-change-me', env.INTERNAL_TOKEN.slice(1)],
    }
    for (const [name, values] of Object.entries(weak))
      for (const value of values) {
        const parsed = parseConfig({ ...env, [name]: value })
        expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(new RegExp(`^${name} `)) })
        if (value.length > 1) expect(JSON.stringify(parsed)).not.toContain(value)
        expect(parseConfig({ ...env, [name]: value, ALLOW_WEAK_SECRETS: '1' }).ok).toBe(true)
      }
  })

  test('G70 every setting says what it is for', () => {
    for (const [name, { description }] of Object.entries(settings)) expect(description.length, name).toBeGreaterThan(10)
  })
})
