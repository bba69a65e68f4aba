/**
 * The keys of session tokens. The api signs with Ed25519 and holds the private keys, of which the first signs and all
 * verify; a gateway is given the public ones, as a JSON Web Key Set (RFC 7517), and can sign nothing. A key is named by
 * its thumbprint (RFC 7638), so that both know it by the same `kid` without agreeing on anything.
 *
 * Where no keys are given, both make one pair from TOKEN_SECRET. While that is given, tokens are good as well that were
 * signed with the secret itself (HS256), as before there were keys.
 */
import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { parseJson } from '@rhizom/protocol'
import { z } from 'zod'
import { setting } from './settings.ts'

const SEED_BYTES = 32
const BASE64URL_OF_32_BYTES = /^[\w-]{43}$/
/** What stands before the 32 bytes of a private key of Ed25519 in PKCS #8 (RFC 8410). */
const PKCS8_OF_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

export const publicJwkSchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(BASE64URL_OF_32_BYTES),
})
export type PublicJwk = z.infer<typeof publicJwkSchema>
export type PublishedJwk = PublicJwk & { kid: string; alg: 'EdDSA'; use: 'sig' }

export interface SigningKey {
  kid: string
  privateKey: KeyObject
  jwk: PublicJwk
}

/** What a token may be signed with. `secret` is missing where none is given. */
export interface VerifyingKeys {
  byKid: ReadonlyMap<string, KeyObject>
  secret: Uint8Array | undefined
}

const keyList = z
  .string()
  .transform((text) => text.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()])))
  .pipe(z.array(z.string().regex(BASE64URL_OF_32_BYTES, 'must be keys as `npm run keys` makes them')))

const keySet = z
  .string()
  .transform((text) => parseJson(z.object({ keys: z.array(publicJwkSchema).min(1) }), text))
  .refine(({ ok }) => ok, 'must be a key set as the api publishes it at /.well-known/jwks.json')
  .transform((parsed): PublicJwk[] => (parsed.ok ? parsed.value.keys : []))
const noKeySet = z.literal('').transform((): PublicJwk[] => [])

export const tokenKeySettings = {
  TOKEN_KEYS: setting(
    keyList,
    'Private keys that sign sessions, as `npm run keys` makes them; several by commas, of which the first signs and all verify. When empty, one is made from `TOKEN_SECRET`',
    '',
  ),
  TOKEN_PUBLIC_KEYS: setting(
    z.union([noKeySet, keySet]),
    'The public keys of them, as the api publishes them at `/.well-known/jwks.json`. When empty, one is made from `TOKEN_SECRET`',
    '',
  ),
}

export const newTokenKey = (): string => randomBytes(SEED_BYTES).toString('base64url')

const kidOf = ({ crv, kty, x }: PublicJwk): string =>
  createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url')

function signingKey(seed: Uint8Array): SigningKey {
  const key = Buffer.concat([PKCS8_OF_ED25519, seed])
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  const jwk = publicJwkSchema.parse(createPublicKey(privateKey).export({ format: 'jwk' }))
  return { kid: kidOf(jwk), privateKey, jwk }
}

const derivedKey = (secret: string): SigningKey =>
  signingKey(Buffer.from(hkdfSync('sha256', secret, '', 'rhizom session tokens', SEED_BYTES)))

export interface ApiTokenSettings {
  TOKEN_KEYS: readonly string[]
  TOKEN_SECRET: string
}

/** Those of an api; the first signs. */
export function signingKeysOf({ TOKEN_KEYS, TOKEN_SECRET }: ApiTokenSettings): SigningKey[] {
  const given = TOKEN_KEYS.map((key) => signingKey(Buffer.from(key, 'base64url')))
  return TOKEN_SECRET === '' ? given : [...given, derivedKey(TOKEN_SECRET)]
}

export function verifyingKeysOf(jwks: readonly PublicJwk[], secret: string): VerifyingKeys {
  const all = secret === '' ? jwks : [...jwks, derivedKey(secret).jwk]
  return {
    byKid: new Map(all.map((key) => [kidOf(key), createPublicKey({ key, format: 'jwk' })])),
    secret: secret === '' ? undefined : new TextEncoder().encode(secret),
  }
}

/** As they are published. */
export const keySetOf = (jwks: readonly PublicJwk[]): { keys: PublishedJwk[] } => ({
  keys: jwks.map((jwk) => ({ ...jwk, kid: kidOf(jwk), alg: 'EdDSA', use: 'sig' })),
})
