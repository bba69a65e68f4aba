/** The secrets that api and gateway are given alike, as they are used: of several the first is shown, all are good. */
import type { SharedSecrets } from '@rhizom/protocol'

export function internalTokensOf(config: Pick<SharedSecrets, 'INTERNAL_TOKEN' | 'INTERNAL_TOKENS'>): readonly string[] {
  const { INTERNAL_TOKEN: one, INTERNAL_TOKENS: several } = config
  return one === '' ? several : [...several, one]
}

/** Every process that reads from the api or answers there has an internal token, so the bus can do without a key. */
export const busSecretsOf = (config: Omit<SharedSecrets, 'TOKEN_SECRET'>): readonly string[] =>
  config.BUS_KEYS.length > 0 ? config.BUS_KEYS : internalTokensOf(config)
