/**
 * Runs a bot: finds what it is asked, claims it, has it answered and streams the answer. Any number of copies share the
 * work, since each reply is claimed by one; whatever a copy leaves behind when it dies is begun anew by another.
 *
 *   hint, or every few seconds ──► GET /v1/work ──► claim ──► carry-out.ts ──► look again
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Intention } from '@rhizom/protocol'
import type { Answer } from './answer.ts'
import { carryOut } from './carry-out.ts'
import { GATHERING } from './core/gathering.ts'
import { openHints } from './hints.ts'
import { type BotMetrics, createBotMetrics } from './metrics.ts'
import { type BotLog, type BotSession, silentLog } from './ports.ts'
import { createServer } from './server.ts'
import { keepSession } from './session.ts'

export interface BotOptions {
  /**
   * As `POST /v1/sessions {being}` gives it to the owner of the bot, one for each copy; a function is asked again where
   * it has run out and there is no renewal, or it is not taken.
   */
  session: BotSession | (() => Promise<BotSession>)
  /** Told each session that takes the place of the former: kept, its renewal starts the bot after any time away. */
  onSession?: (session: BotSession) => void
  answer: Answer
  /** Where the api is, as `https://example.org`. */
  apiUrl: string
  /** Where the gateway is, as `wss://example.org/v1/sync`; the address of the api by default. */
  syncUrl?: string
  /** How long a copy that died keeps its claims. */
  leaseMs?: number
  /** Replies carried out at once. */
  atOnce?: number
  /** Of all its replies together; more than 40 needs a budget of its own in the api (`BUDGETS`). */
  appendsPerSecond?: number
  /** How often work is asked for where no hint came. */
  askEveryMs?: number
  maxAnswerMs?: number
  log?: BotLog
  metrics?: BotMetrics
}

export interface RunningBot {
  /** Replies being carried out. */
  readonly underWay: number
  /** Whether it reached the api when it last asked for work. */
  readonly isReady: boolean
  readonly metrics: BotMetrics
  /** Takes no more, hands back what is under way, and closes. Calling it again waits for the same stop. */
  stop(): Promise<void>
}

/** An actor may write fifty times a second: copies leave each other some room. */
const APPENDS_PER_SECOND = 40
/** What could not be claimed is left alone for a while. */
const LEAVE_ALONE_MS = 5_000

export async function runBot(options: BotOptions): Promise<RunningBot> {
  const { answer, apiUrl, leaseMs = 15_000, atOnce = 4, askEveryMs = 5_000, maxAnswerMs = 300_000 } = options
  const { appendsPerSecond = APPENDS_PER_SECOND } = options
  const { log = silentLog, metrics = createBotMetrics() } = options
  const ask = typeof options.session === 'function' ? options.session : undefined
  let session = typeof options.session === 'function' ? await options.session() : options.session
  const stopping = new AbortController()
  const underWay = new Map<string, Promise<void>>()
  const leftAlone = new Map<string, number>()
  let isReady = false
  let looking: Promise<void> | undefined
  let isWanted = false

  const server = createServer(apiUrl, () => session.token)
  const syncUrl = options.syncUrl ?? `${apiUrl.replace(/\/+$/, '').replace(/^http/, 'ws')}/v1/sync`
  const hints = openHints({ syncUrl, token: () => session.token, log, work: look })
  keepSession(
    session,
    {
      server,
      log,
      ask,
      renewed(renewed) {
        session = renewed
        options.onSession?.(renewed)
        hints.tokenRenewed()
        look()
      },
    },
    stopping.signal,
  )
  const timer = setInterval(look, askEveryMs)
  look()

  /** One look at a time; whoever wants one meanwhile gets another behind it. */
  function look(): void {
    if (stopping.signal.aborted) return
    isWanted = true
    looking ??= lookWhileWanted().finally(() => (looking = undefined))
  }

  async function lookWhileWanted(): Promise<void> {
    while (isWanted && !stopping.signal.aborted) {
      isWanted = false
      try {
        await takeWork()
      } catch (error) {
        isReady = false
        log.error({ err: error }, 'looking for work failed')
      }
    }
  }

  async function takeWork(): Promise<void> {
    const room = atOnce - underWay.size
    if (room <= 0) return
    // More than there is room for: other copies are claiming some of them at this moment.
    const found = await server.work(Math.min(100, 2 * room + underWay.size + leftAlone.size), stopping.signal)
    if (!found.ok) {
      if (isReady) log.warn({ code: found.code }, 'the api does not say what work there is')
      isReady = false
      return
    }
    isReady = true
    forget(leftAlone)
    for (const work of found.value) {
      if (underWay.size >= atOnce || stopping.signal.aborted) return
      if (!underWay.has(work.id) && !leftAlone.has(work.id)) await claim(work)
    }
  }

  async function claim(work: Intention): Promise<void> {
    // Only if nobody holds it: another copy is the same being, and would be taken for one that renews.
    const args = { id: work.id, leaseMs, fence: 0 }
    const wanted = { space: work.location, name: 'intention.claim', args } as const
    const [result] = (await server.mutate([wanted], stopping.signal)) ?? []
    if (result === undefined) return
    if (result.error !== undefined || result.version === undefined) {
      metrics.claimsLost.inc()
      // What another copy took is no draft any more, and listed again only when it is free again.
      if (result.error?.code !== 'taken') leftAlone.set(work.id, performance.now() + LEAVE_ALONE_MS)
      return
    }
    const done = begin(work, result.version).finally(() => {
      underWay.delete(work.id)
      metrics.underWay.set(underWay.size)
      look()
    })
    underWay.set(work.id, done)
    metrics.underWay.set(underWay.size)
  }

  async function begin(work: Intention, fence: number): Promise<void> {
    const times = () => ({
      ...GATHERING,
      intervalMs: Math.max(GATHERING.intervalMs, (underWay.size * 1000) / appendsPerSecond),
    })
    const deps = { server, hints, answer, log, metrics, leaseMs, maxAnswerMs, times, stopping: stopping.signal }
    const outcome = await carryOut(work, fence, deps)
    metrics.replies.inc({ outcome })
    log.info({ reply: work.id, space: work.location, outcome, attempt: work.attempt }, 'a reply was carried out')
  }

  async function stop(): Promise<void> {
    clearInterval(timer)
    stopping.abort()
    await Promise.all([looking, ...underWay.values()])
    hints.close()
    // A turn for what the socket still has to send.
    await sleep(0)
  }

  let stopped: Promise<void> | undefined
  return {
    get underWay() {
      return underWay.size
    },
    get isReady() {
      return isReady
    },
    metrics,
    stop: () => (stopped ??= stop()),
  }
}

/** What was left alone long enough is tried again. */
function forget(leftAlone: Map<string, number>): void {
  for (const [id, until] of leftAlone) if (until < performance.now()) leftAlone.delete(id)
}
