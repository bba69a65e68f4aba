/**
 * Remembers the session tokens that were good, so that whoever asks often is verified once: a signature costs more than
 * all else that a small request is asked for. Until when a token is good it says itself, and a session that was ended
 * is found by whoever asks the database, as ever. What was refused is not remembered.
 */
import type { TokenHolder } from '@rhizom/process'
import type { SessionTokens } from './session-token.ts'

/** A few hundred bytes each. Beyond, the one that was verified first goes. */
const MAX_REMEMBERED = 10_000

export function rememberingTokens(tokens: SessionTokens, nowMs: () => number, max = MAX_REMEMBERED): SessionTokens {
  const good = new Map<string, TokenHolder>()
  return {
    ...tokens,
    async verify(token) {
      const known = good.get(token)
      if (known !== undefined && known.expiresAt > nowMs()) return { ok: true, session: known }
      good.delete(token)
      const verified = await tokens.verify(token)
      if (!verified.ok) return verified
      const [oldest] = good.keys()
      if (oldest !== undefined && good.size >= max) good.delete(oldest)
      good.set(token, verified.session)
      return verified
    },
  }
}
