/**
 * The secrets of the local system, made at the first start and kept, so that sessions survive a restart. They are never
 * printed. What the environment gives wins.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const secretsSchema = z.object({ TOKEN_SECRET: z.string().min(32), INTERNAL_TOKEN: z.string().min(32) })
export type Secrets = z.infer<typeof secretsSchema>

const make = (): string => randomBytes(32).toString('base64url')

export function keepSecrets(file: string): Secrets {
  if (!existsSync(file)) {
    const secrets: Secrets = { TOKEN_SECRET: make(), INTERNAL_TOKEN: make() }
    writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  }
  return secretsSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
}
