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

/** Renews again and again until the signal says stop. */
export function keepSession(first: BotSession, { server, log, renewed, ask }: SessionKeeperDeps, signal: AbortSignal) {
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  const schedule = (ms: number): void => {
    if (signal.aborted) return
    timer = setTimeout(() => void renew(), Math.min(ms, LONGEST_TIMER_MS))
  }
  const scheduleFor = ({ expiresAt }: BotSession): void =>
    schedule(Math.max(BACKOFF.minMs, (expiresAt - Date.now()) * RENEW_AFTER))
  const renew = async (): Promise<void> => {
    const answer = await server.renew(signal)
    const session = answer.ok ? answer.value : await askAnew()
    if (signal.aborted) return
    if (session === undefined) {
      log.warn({ failures }, 'the session of the bot could not be renewed')
      return schedule(backoffMs(BACKOFF, failures++, Math.random()))
    }
    failures = 0
    renewed(session)
    return scheduleFor(session)
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
