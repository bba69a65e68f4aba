import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { apiParts, gatewayParts, type Surroundings } from './parts.ts'
import { keepSecrets } from './secrets.ts'
import { publicKeysOf } from './token-keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'rhizom-parts-'))
const file = join(folder, 'secrets.json')

const around = (environment: NodeJS.ProcessEnv): Surroundings => ({
  ...{ environment, host: '127.0.0.1', databaseUrl: 'postgres://a', redisUrl: 'redis://a' },
  ...{ secrets: keepSecrets(file), webUrl: 'http://127.0.0.1:1' },
  apis: [{ url: 'http://127.0.0.1:2', internal: 'http://127.0.0.1:3' }],
  gateways: [{ url: 'http://127.0.0.1:4', internal: 'http://127.0.0.1:5' }],
  ...{ port: async (usual) => usual },
})
const given = (parts: ReturnType<typeof apiParts>): NodeJS.ProcessEnv => parts[0]?.command().env ?? {}

test('I72 a gateway is given what verifies sessions and nothing that signs them, unless the user gave the secret', () => {
  const { secrets } = around({})
  const gateway = given(gatewayParts(around({})))
  expect(gateway).toMatchObject({ TOKEN_PUBLIC_KEYS: publicKeysOf(secrets.TOKEN_KEYS), TOKEN_SECRET: '' })
  for (const secret of [secrets.TOKEN_KEYS, secrets.TOKEN_SECRET, secrets.OPERATOR_TOKEN])
    expect(JSON.stringify(gateway)).not.toContain(secret)
  const { OPERATOR_TOKEN: token, ...ofNodes } = secrets
  expect(given(apiParts(around({})))).toMatchObject({ ...ofNodes, OPERATOR_TOKENS: `local:${token}` })
  expect(given(apiParts(around({ OPERATOR_TOKENS: 'of the user' })))).toMatchObject({ OPERATOR_TOKENS: 'of the user' })
  expect(given(gatewayParts(around({ TOKEN_SECRET: 'of the user' })))).toMatchObject({ TOKEN_SECRET: 'of the user' })
})

test('I72 secrets of before there were keys, or operators, are kept, and get what they lack', () => {
  const { TOKEN_KEYS: _keys, OPERATOR_TOKEN: _operator, ...former } = keepSecrets(file)
  writeFileSync(file, JSON.stringify(former))
  const now = keepSecrets(file)
  expect(now).toMatchObject(former)
  for (const made of [now.TOKEN_KEYS, now.OPERATOR_TOKEN]) expect(made).toMatch(/^[\w-]{43}$/)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(now)
  rmSync(folder, { recursive: true, force: true })
})
