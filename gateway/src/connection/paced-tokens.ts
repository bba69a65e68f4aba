/**
 * Paces the verification of tokens: when ten thousand clients come back at once, few signatures are checked at a time
 * and the rest wait in their order, so that the event loop goes round in between. What was good is remembered by its
 * hash until it runs out, and is not checked again by a client that comes back; what was refused is not remembered.
 *
 * Whether its being was removed, or its session ended, is no part of it: a connection asks that each time.
 */
import { createHash } from 'node:crypto'
import type { TokenOutcome, VerifyToken } from '../ports.ts'

export interface PacedTokenSettings {
  /** Signatures that are checked at a time. */
  concurrency: number
  /** A few hundred bytes each. Beyond, the one that was verified first goes. */
  maxRemembered: number
}

export const PACED_TOKENS: PacedTokenSettings = { concurrency: 8, maxRemembered: 20_000 }

type GoodToken = Extract<TokenOutcome, { ok: true }>

export function pacedTokens(verify: VerifyToken, dateMs: () => number, settings = PACED_TOKENS): VerifyToken {
  const good = new Map<string, GoodToken>()
  /** In their order; a set gives up its first one in constant time. */
  const waiting = new Set<() => void>()
  let running = 0

  const turn = async (): Promise<void> => {
    if (running >= settings.concurrency) return new Promise((resolve) => waiting.add(resolve))
    running += 1
  }
  /** The place of one that ended is given on, and not taken by whoever comes in between. */
  const ended = (): void => {
    const [next] = waiting
    if (next === undefined) running -= 1
    else {
      waiting.delete(next)
      next()
    }
  }
  const remembered = (hash: string): GoodToken | undefined => {
    const known = good.get(hash)
    if (known !== undefined && known.expiresAt > dateMs()) return known
    good.delete(hash)
    return undefined
  }

  return async (token) => {
    const hash = createHash('sha256').update(token).digest('base64')
    const known = remembered(hash)
    if (known !== undefined) return known
    await turn()
    try {
      const outcome = remembered(hash) ?? (await verify(token))
      if (!outcome.ok) return outcome
      const [oldest] = good.keys()
      if (oldest !== undefined && good.size >= settings.maxRemembered) good.delete(oldest)
      good.set(hash, outcome)
      return outcome
    } finally {
      ended()
    }
  }
}
