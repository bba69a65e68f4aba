/**
 * Prints new secrets of a deployment, as lines for its environment: `npm run keys`. With TOKEN_KEYS, BUS_KEYS or
 * INTERNAL_TOKENS in the environment a new one of each is put behind those, as the first step of replacing them wants
 * it; docs/keys.md tells the others.
 */
import { randomBytes } from 'node:crypto'
import { newTokenKey } from '@rhizom/process'
import { publicKeysOf } from './token-keys.ts'

const added = (name: string, fresh: string): string => [process.env[name] ?? '', fresh].filter(Boolean).join(',')

const tokenKeys = added('TOKEN_KEYS', newTokenKey())
const lines = {
  TOKEN_KEYS: tokenKeys,
  TOKEN_PUBLIC_KEYS: publicKeysOf(tokenKeys),
  INTERNAL_TOKENS: added('INTERNAL_TOKENS', randomBytes(32).toString('base64url')),
  BUS_KEYS: added('BUS_KEYS', randomBytes(32).toString('base64url')),
}
for (const [name, value] of Object.entries(lines)) process.stdout.write(`${name}=${value}\n`)
