import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createLog } from './log.ts'
import { redactor, secretsIn } from './redact.ts'

function logTo(lines: string[], secrets: readonly string[] = []) {
  return createLog({
    component: 'api',
    level: 'info',
    secrets,
    destination: { write: (line) => void lines.push(line) },
  })
}

test('N10 every line is an object of JSON with level, time, component and message', () => {
  const lines: string[] = []
  const log = logTo(lines)
  log.info('listening')
  log.warn({ condition: 'redis' }, 'away')
  log.child({ requestId: 'r1' }).error({ err: new Error('broken') }, 'failed')
  const parsed = lines.map((line): unknown => JSON.parse(line))
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(parsed).toMatchObject([
    { level: 30, time, component: 'api', msg: 'listening' },
    { level: 40, time, component: 'api', condition: 'redis', msg: 'away' },
    { level: 50, time, requestId: 'r1', err: { message: 'broken', stack: expect.stringContaining('log.test.ts') } },
  ])
})

test('N11 secrets are hidden wherever they stand, and the line is still JSON', () => {
  const password = 'p"ss\\w/rd%20'
  const config = {
    TOKEN_SECRET: randomBytes(32).toString('hex'),
    INTERNAL_TOKEN: ['quote"and\\', 'backslash-16'].join(''),
    DATABASE_URL: `postgres://rhizom:${encodeURIComponent(password)}@db:5432/rhizom`,
    REDIS_URL: 'redis://:sesame-open@redis:6379/0',
    HOST: '127.0.0.1',
    PORT: 4000,
  }
  const lines: string[] = []
  const log = logTo(lines, secretsIn(config))
  for (const value of [...Object.values(config), password, 'sesame-open'])
    log.error({ err: new Error(`cannot use ${value}`), value, deep: { list: [`<${value}>`] } }, `with ${value}`)
  log.error({ url: 'https://somebody:elsewhere@host/path' }, 'not a setting')
  const text = lines.join('')
  for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow()
  const hidden = [
    config.TOKEN_SECRET,
    config.INTERNAL_TOKEN,
    password,
    encodeURIComponent(password),
    'sesame',
    'elsewhere',
  ]
  for (const secret of hidden) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain(JSON.stringify(secret).slice(1, -1))
  }
  expect(text).toContain('postgres://rhizom:[hidden]@db:5432/rhizom')
  expect(text).toContain('127.0.0.1')
})

test('N11 what is too short to be a secret, and what is none, stays as it is', () => {
  const redact = redactor(['x', ''])
  const plain = '{"url":"http://[::1]:4000","at":"10:20:30@noon","mail":"a@b.example"}'
  expect(redact(plain)).toBe(plain)
})
