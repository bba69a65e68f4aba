/** The token of a bot, renewed before it runs out. */
import { backoffMs } from '@rhizom/machine'
import type { Server } from './server.ts'
import type { BotLog, BotSession } from './ports.ts'

export interface SessionKeeperDeps {
  server: Server
  log: BotLog
  renewed(session: BotSession): void
  /** A session got anew, where the one that is held is not renewed. */
  ask: (() => Promise<BotSession>) | undefined
}

const BACKOFF = { minMs: 1_000, baseMs: 1_000, maxMs: 60_000 }
/** The share of its life after which a token is renewed. */
const RENEW_AFTER = 0.8
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Renews again and again until the signal says stop. A renewal is let go of only for the one that follows it: who asks
 * again with it because an answer was lost is answered the same.
 */
export function keepSession(first: BotSession, { server, log, renewed, ask }: SessionKeeperDeps, signal: AbortSignal) {
  let held = first
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  const schedule = (ms: number): void => {
    if (signal.aborted) return
    timer = setTimeout(() => void renew(), Math.min(ms, LONGEST_TIMER_MS))
  }
  const scheduleFor = ({ expiresAt }: BotSession): void => {
    const leftMs = expiresAt - Date.now()
    schedule(leftMs <= 0 ? 0 : Math.max(BACKOFF.minMs, leftMs * RENEW_AFTER))
  }
  const renew = async (): Promise<void> => {
    const session = (await goOn()) ?? (await askAnew())
    if (signal.aborted) return
    if (session === undefined) {
      log.warn({ failures }, 'the session of the bot could not be renewed')
      return schedule(backoffMs(BACKOFF, failures++, Math.random()))
    }
    failures = 0
    held = session
    renewed(session)
    return scheduleFor(session)
  }
  /** By the token while it is good, and by the renewal when it is not. */
  const goOn = async (): Promise<BotSession | undefined> => {
    const { renewal } = held
    const refreshed = await server.refresh(signal)
    if (refreshed.ok) return { renewal, ...refreshed.value }
    if (renewal === undefined || !isOver(refreshed.code)) return undefined
    const next = await server.renew(renewal, signal)
    if (!next.ok) log.warn({ code: next.code }, 'the renewal was not taken')
    return next.ok ? next.value : undefined
  }
  const askAnew = async (): Promise<BotSession | undefined> => {
    try {
      return await ask?.()
    } catch (error) {
      log.warn({ err: error }, 'no session was given')
      return undefined
    }
  }
  scheduleFor(first)
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
}

/** Of a token. */
const isOver = (code: string): boolean => code === 'token-expired' || code === 'not-authenticated'
