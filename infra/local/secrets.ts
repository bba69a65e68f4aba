/**
 * The secrets of the local system, made at the first start and kept, so that sessions survive a restart. They are never
 * printed. What the environment gives wins. The key that signs sessions is the api's alone.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const secret = z.string().min(32)
const formerSchema = z.object({ TOKEN_SECRET: secret, INTERNAL_TOKEN: secret, TOKEN_KEYS: secret.optional() })
const secretsSchema = formerSchema.required()
export type Secrets = z.infer<typeof secretsSchema>

const make = (): string => randomBytes(32).toString('base64url')

export function keepSecrets(file: string): Secrets {
  const write = (secrets: Secrets, flag: 'w' | 'wx'): Secrets => {
    writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag })
    return secrets
  }
  if (!existsSync(file)) return write({ TOKEN_SECRET: make(), INTERNAL_TOKEN: make(), TOKEN_KEYS: make() }, 'wx')
  const { TOKEN_KEYS, ...former } = formerSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  // Made before there were keys.
  return TOKEN_KEYS === undefined ? write({ ...former, TOKEN_KEYS: make() }, 'w') : { ...former, TOKEN_KEYS }
}
