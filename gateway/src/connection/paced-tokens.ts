/**
 * Paces the verification of tokens: when ten thousand clients come back at once, few signatures are checked at a time
 * and the rest wait in their order, so that the event loop goes round in between. What was good is remembered by its
 * hash until it runs out, and is not checked again by a client that comes back; what was refused is not remembered.
 * Whoever has gone when its turn comes is passed over, and who comes when too many wait is refused.
 *
 * Whether its being was removed, or its session ended, is no part of it: a connection asks that each time.
 */
import { createHash } from 'node:crypto'
import type { TokenOutcome, VerifyToken } from '../ports.ts'
import { Queue } from './queue.ts'

export interface PacedTokenSettings {
  /** Signatures that are checked at a time. */
  concurrency: number
  /** A few hundred bytes each. Beyond, the one that was verified first goes. */
  maxRemembered: number
  maxWaiting: number
  maxWaitingBytes: number
}

export const PACED_TOKENS: PacedTokenSettings = {
  concurrency: 8,
  maxRemembered: 20_000,
  maxWaiting: 20_000,
  maxWaitingBytes: 16 * 1024 * 1024,
}

type GoodToken = Extract<TokenOutcome, { ok: true }>

interface Waiting {
  isWanted(): boolean
  bytes: number
  /** False if it is passed over. */
  goOn(hasTurn: boolean): void
}

const OVERLOADED: TokenOutcome = { ok: false, reason: 'overloaded' }

export function pacedTokens(verify: VerifyToken, dateMs: () => number, settings = PACED_TOKENS): VerifyToken {
  const good = new Map<string, GoodToken>()
  const waiting = new Queue<Waiting>()
  let waitingBytes = 0
  let running = 0

  const taken = (one: Waiting, hasTurn: boolean): void => {
    waiting.shift()
    waitingBytes -= one.bytes
    one.goOn(hasTurn)
  }
  /** The first of those who wait that is still there. */
  const first = (): Waiting | undefined => {
    let one = waiting.first
    while (one !== undefined && !one.isWanted()) {
      taken(one, false)
      one = waiting.first
    }
    return one
  }
  const turn = async (bytes: number, isWanted: () => boolean): Promise<boolean> => {
    if (running < settings.concurrency) {
      running += 1
      return true
    }
    // Whoever has gone makes room.
    first()
    if (waiting.size >= settings.maxWaiting || waitingBytes + bytes > settings.maxWaitingBytes) return false
    waitingBytes += bytes
    return new Promise((goOn) => waiting.push({ isWanted, bytes, goOn }))
  }
  /** The place of one that ended is given on, and not taken by whoever comes in between. */
  const ended = (): void => {
    const next = first()
    if (next === undefined) running -= 1
    else taken(next, true)
  }
  const remembered = (hash: string): GoodToken | undefined => {
    const known = good.get(hash)
    if (known !== undefined && known.expiresAt > dateMs()) return known
    good.delete(hash)
    return undefined
  }

  return async (token, isWanted) => {
    // Its bytes as characters: half as long as in letters.
    const hash = createHash('sha256').update(token).digest('binary')
    const known = remembered(hash)
    if (known !== undefined) return known
    if (!(await turn(token.length, isWanted))) return OVERLOADED
    try {
      const outcome = remembered(hash) ?? (await verify(token, isWanted))
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
