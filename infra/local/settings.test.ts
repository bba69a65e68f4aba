import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keepSecrets } from './secrets.ts'
import { parseFlags, parseSettings, settings } from './settings.ts'

test('I13 an empty environment gives the defaults, and an empty variable counts as none', () => {
  const parsed = parseSettings({ DATABASE_URL: '', RHIZOM_GATEWAYS: '' })
  expect(parsed).toMatchObject({ ok: true, value: { HOST: '127.0.0.1', RHIZOM_GATEWAYS: 2, RHIZOM_WEB_PORT: 5173 } })
})

test.each([
  ['DATABASE_URL', 'mysql://root:hunter2@localhost/x'],
  ['DATABASE_URL', 'hunter2'],
  ['REDIS_URL', 'http://hunter2'],
  ['RHIZOM_GATEWAYS', '0'],
  ['RHIZOM_API_PORT', '70000'],
  ['HOST', 'hunter2 hunter2'],
  ['HOST', 'fe80::1%hunter2'],
])('I13 %s=%s is refused by name', (name, value) => {
  const parsed = parseSettings({ [name]: value })
  expect(parsed.ok ? '' : parsed.problem).toContain(name)
  expect(parsed.ok ? '' : parsed.problem).not.toContain('hunter2')
})

test('I13 every setting has a description', () => {
  for (const { description } of Object.values(settings)) expect(description).toMatch(/\w{3}/)
})

test('I13 an argument that is not known is refused with the usage', () => {
  expect(parseFlags(['--fresh'])).toMatchObject({ ok: true, value: { fresh: true, withParent: false, dev: false } })
  expect(parseFlags(['--dev'])).toMatchObject({ ok: true, value: { fresh: false, dev: true, help: false } })
  const parsed = parseFlags(['--frehs'])
  expect(parsed.ok ? '' : parsed.problem).toMatch(/--frehs[\s\S]*--fresh/)
})

test('I12 secrets are kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rhizom-secrets-'))
  const file = join(folder, 'secrets.json')
  const secrets = keepSecrets(file)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(keepSecrets(file)).toEqual(secrets)
  expect(secrets.TOKEN_SECRET).not.toBe(secrets.INTERNAL_TOKEN)
  expect(secrets.TOKEN_SECRET.length).toBeGreaterThanOrEqual(40)
  rmSync(folder, { recursive: true, force: true })
})
