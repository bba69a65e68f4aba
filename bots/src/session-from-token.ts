/** The session that a token is of, where nothing but the token was handed on. */
import { currentSessionAnswerSchema } from '@rhizom/protocol'
import type { BotSession } from './ports.ts'

const PATIENCE_MS = 10_000

/** Rejects if the token is not good, or the api does not answer. */
export async function sessionFromToken(apiUrl: string, token: string): Promise<BotSession> {
  const response = await fetch(`${apiUrl.replace(/\/+$/, '')}/v1/sessions/current`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  if (!response.ok) throw new Error(`the api does not take the token: ${response.status}`)
  const { being, expiresAt } = currentSessionAnswerSchema.parse(await response.json())
  return { token, being, expiresAt }
}
