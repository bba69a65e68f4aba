/**
 * The secrets of the local system, made at the first start and kept, so that sessions survive a restart. They are never
 * printed. What the environment gives wins. The key that signs sessions and
 * the token of the operator are the api's alone.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const secret = z.string().min(32)
const secretsSchema = z.object({
  ...{ TOKEN_SECRET: secret, INTERNAL_TOKEN: secret, TOKEN_KEYS: secret, OPERATOR_TOKEN: secret },
})
/** A file of before there were keys, or operators, lacks theirs. */
const keptSchema = secretsSchema.partial({ TOKEN_KEYS: true, OPERATOR_TOKEN: true })
export type Secrets = z.infer<typeof secretsSchema>

const make = (): string => randomBytes(32).toString('base64url')

export function keepSecrets(file: string): Secrets {
  const write = (secrets: Secrets, flag: 'w' | 'wx'): Secrets => {
    writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag })
    return secrets
  }
  const made = { TOKEN_SECRET: make(), INTERNAL_TOKEN: make(), TOKEN_KEYS: make(), OPERATOR_TOKEN: make() }
  if (!existsSync(file)) return write(made, 'wx')
  const kept = keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const { TOKEN_KEYS, OPERATOR_TOKEN, ...always } = kept
  if (TOKEN_KEYS !== undefined && OPERATOR_TOKEN !== undefined) return { ...always, TOKEN_KEYS, OPERATOR_TOKEN }
  const { TOKEN_KEYS: keys, OPERATOR_TOKEN: operator } = made
  return write({ ...always, TOKEN_KEYS: TOKEN_KEYS ?? keys, OPERATOR_TOKEN: OPERATOR_TOKEN ?? operator }, 'w')
}
