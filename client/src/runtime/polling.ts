/**
 * Asking the api again and again, as the last transport: it works while every gateway is dead. Each watched space is
 * asked for its changes from the position held, and the answers are given on as the frames of a gateway, so that
 * nothing above knows the difference. One is not here by it, since nobody keeps the list. Loaded when it is needed.
 */
import {
  CLOSE_CODE,
  type ClientFrameInput,
  isJsonObject,
  NO_CLOSE_FRAME,
  type Position,
  type SpaceId,
} from '@rhizom/protocol'
import type { Environment } from './environment.ts'
import { isNetworkError, refusalOf, sendSignal, type RefusedRequest } from './requests.ts'
import type { OpenTransport } from './transport-socket.ts'

export interface PollingDeps {
  environment: Environment
  apiUrl: string
}

/** Between two rounds over all watched spaces, and how many of them ask who is here as well. */
const ROUND_MS = 2_500
const ROUND_SPREAD_MS = 1_000
const PRESENCE_EVERY = 4
/** And how many of them ask what is new. */
const NEWS_EVERY = 4
/** What is watched within this is asked for together. */
const GATHER_MS = 10
/** Told in `welcome`: a round is a sign of life. */
const HEARTBEAT_MS = 20_000
/** Rounds in a row in which nothing answered. */
const MAX_SILENT_ROUNDS = 3

type Fields = Readonly<Record<string, unknown>>
type Answer = { ok: true; body: Fields } | { ok: false; refusal: RefusedRequest }

export function pollingTransport({ environment, apiUrl }: PollingDeps): OpenTransport {
  return (handlers) => {
    /** Where each watched space is; without a position it needs a snapshot. */
    const watched = new Map<SpaceId, Position | undefined>()
    /** Subscribed since the last round, so that the answer has to be one to `subscribe`. */
    const unanswered = new Set<SpaceId>()
    const abort = new AbortController()
    let token = ''
    let isOver = false
    let cancelNext: (() => void) | undefined
    let isRunning = false
    let rounds = 0
    let silentRounds = 0
    /** Undefined until somebody follows; the rounds since it was asked what is new. */
    let newsAge: number | undefined

    function stop(): void {
      isOver = true
      cancelNext?.()
      abort.abort()
    }

    function end(code: number, reason: string): void {
      if (isOver) return
      stop()
      handlers.onClose(code, reason)
    }

    const say = (frame: Fields): void => {
      if (!isOver) handlers.onText(JSON.stringify(frame))
    }

    async function ask(path: string): Promise<Answer> {
      const response = await environment.fetch(`${apiUrl}${path}`, {
        headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
        signal: abort.signal,
      })
      if (!response.ok) return { ok: false, refusal: await refusalOf(response) }
      const body: unknown = await response.json()
      if (!isJsonObject(body)) throw new Error('an answer that is no object')
      return { ok: true, body }
    }

    /** Whether the api answers and takes the token. */
    async function greet(): Promise<void> {
      try {
        const answer = await ask('/v1/sessions/current')
        if (!answer.ok) return end(answer.refusal.closeCode, answer.refusal.message)
        const { being } = answer.body
        const id = isJsonObject(being) ? being['id'] : undefined
        say({ type: 'welcome', session: 'polling', being: id, heartbeatMs: HEARTBEAT_MS })
      } catch {
        end(NO_CLOSE_FRAME, '')
      }
    }

    function roundSoon(delayMs: number): void {
      cancelNext?.()
      cancelNext = environment.after(delayMs, () => {
        cancelNext = undefined
        void round()
      })
    }

    async function round(): Promise<void> {
      if (isRunning || isOver) return
      isRunning = true
      rounds += 1
      let answered = watched.size === 0
      for (const space of [...watched.keys()]) {
        if (isOver) return
        try {
          await poll(space)
          answered = true
        } catch (error) {
          if (!isOver && !isNetworkError(error)) environment.report('a poll failed', error)
        }
      }
      await pollNews()
      isRunning = false
      silentRounds = answered ? 0 : silentRounds + 1
      if (silentRounds >= MAX_SILENT_ROUNDS) return end(NO_CLOSE_FRAME, '')
      if (answered) say({ type: 'heartbeat', at: Math.round(environment.dateMs()), heads: {} })
      if (!isOver && cancelNext === undefined)
        roundSoon(unanswered.size > 0 ? GATHER_MS : ROUND_MS + environment.random() * ROUND_SPREAD_MS)
    }

    /** What cannot be had is asked for in the next round; an older api knows of no news. */
    async function pollNews(): Promise<void> {
      if (newsAge === undefined || ++newsAge <= NEWS_EVERY || isOver) return
      try {
        const answer = await ask('/v1/news')
        if (!answer.ok) return
        newsAge = 0
        say({ type: 'news', whole: true, ...answer.body })
      } catch (error) {
        if (!isOver && !isNetworkError(error)) environment.report('news could not be asked for', error)
      }
    }

    async function poll(space: SpaceId): Promise<void> {
      const position = watched.get(space)
      const asksWhoIsHere = unanswered.has(space) || rounds % PRESENCE_EVERY === 0
      const path = `/v1/spaces/${encodeURIComponent(space)}`
      const presence = asksWhoIsHere ? await ask(`${path}/presence`) : undefined
      if (presence?.ok === false) return refused(space, presence.refusal)
      const roster = presence === undefined ? undefined : rosterOf(presence.body)
      if (position === undefined) return snapshot(space, path, roster)
      const query = new URLSearchParams({ epoch: position.epoch, after: String(position.version) }).toString()
      const answer = await ask(`${path}/changes?${query}`)
      if (!answer.ok)
        return answer.refusal.code === 'reset' ? snapshot(space, path, roster) : refused(space, answer.refusal)
      const { epoch, from, to, head, changes } = answer.body
      if (!watched.has(space) || typeof epoch !== 'string' || typeof to !== 'number') return
      watched.set(space, { epoch, version: to })
      unanswered.delete(space)
      if (roster !== undefined) say({ type: 'resumed', space, epoch, from, to, changes, ...roster })
      else if (from !== to) say({ type: 'changes', space, epoch, from, to, changes })
      if (from !== to && head !== to) await poll(space)
    }

    async function snapshot(space: SpaceId, path: string, known: Fields | undefined): Promise<void> {
      const answer = await ask(path)
      if (!answer.ok) return refused(space, answer.refusal)
      const { space: entity, ...rest } = answer.body
      const { epoch, version } = rest
      if (!watched.has(space) || typeof epoch !== 'string' || typeof version !== 'number') return
      watched.set(space, { epoch, version })
      unanswered.delete(space)
      say({ type: 'snapshot', space, entity, ...rest, ...(known ?? { here: [], hereCount: 0 }) })
    }

    function refused(space: SpaceId, { closeCode, code, message, retryAfterMs }: RefusedRequest): void {
      if (code === 'not-found') {
        watched.delete(space)
        unanswered.delete(space)
        return say({ type: 'error', code, message, space })
      }
      if (closeCode !== NO_CLOSE_FRAME && closeCode !== CLOSE_CODE.overloaded) return end(closeCode, message)
      if (unanswered.delete(space) && watched.delete(space))
        say({ type: 'error', code: 'unavailable', message, space, retryAfterMs: retryAfterMs ?? ROUND_MS })
    }

    function take(frame: ClientFrameInput): void {
      switch (frame.type) {
        case 'hello':
          token = frame.token
          void greet()
          return
        case 'refresh':
          token = frame.token
          return
        case 'subscribe': {
          const { space, epoch, after } = frame
          watched.set(space, epoch === undefined || after === undefined ? undefined : { epoch, version: after })
          unanswered.add(space)
          return roundSoon(GATHER_MS)
        }
        case 'unsubscribe':
          watched.delete(frame.space)
          unanswered.delete(frame.space)
          return
        case 'ping':
          say({ type: 'pong' })
          return roundSoon(GATHER_MS)
        case 'signal':
          sendSignal({ environment, apiUrl, token }, frame)
          return
        case 'follow':
          newsAge = NEWS_EVERY
          return roundSoon(GATHER_MS)
        case 'work':
        case 'presence':
          return
        default:
          frame satisfies never
      }
    }

    queueMicrotask(() => {
      if (!isOver) handlers.onOpen()
    })
    return { send: (frames) => frames.forEach(take), close: stop }
  }
}

/** Who is here, as an answer to `subscribe` says it. */
const rosterOf = ({ here, hereCount }: Fields): Fields => ({ here, hereCount })
