/** The keys of sessions as they stand in the environment: `TOKEN_KEYS` of an api, `TOKEN_PUBLIC_KEYS` of a gateway. */
import { keySetOf, type SigningKey, signingKeysOf, tokenKeySettings } from '@rhizom/process'

export const signingKeys = (tokenKeys: string): SigningKey[] =>
  signingKeysOf({ TOKEN_KEYS: tokenKeySettings.TOKEN_KEYS.schema.parse(tokenKeys), TOKEN_SECRET: '' })

export const publicKeysOf = (tokenKeys: string): string =>
  JSON.stringify(keySetOf(signingKeys(tokenKeys).map(({ jwk }) => jwk)))
