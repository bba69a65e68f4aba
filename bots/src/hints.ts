/**
 * The socket of a bot: hints that there is work, and what becomes of the intentions it carries out. Hints only: whoever
 * needs certainty asks the api, and every write is fenced. Kept open with backoff; after each reconnect all is asked
 * anew, since nobody knows what was missed.
 */
import { backoffMs } from '@rhizom/machine'
import {
  type Epoch,
  encodeFrame,
  type Intention,
  parseServerMessage,
  PROTOCOL_VERSION,
  type SpaceId,
} from '@rhizom/protocol'
import type { BotLog } from './ports.ts'

export interface Seen {
  /** An intention as it is now. */
  put(intention: Intention): void
  removed(id: string): void
  /** Nothing of the space can be read any more. */
  lost(): void
}

export interface HintsDeps {
  syncUrl: string
  token(): string
  log: BotLog
  /** There may be work, for all that is known. */
  work(): void
}

export interface Hints {
  /** Follows the intentions of a space from a position; the result stops. */
  watch(space: SpaceId, position: { epoch: Epoch; version: number }, seen: Seen): () => void
  readonly isOpen: boolean
  tokenRenewed(): void
  close(): void
}

const BACKOFF = { minMs: 200, baseMs: 400, maxMs: 10_000 }
/** Silence for this long means that the connection is dead; a gateway says something every 20 s. */
const SILENCE_MS = 50_000

export function openHints({ syncUrl, token, log, work }: HintsDeps): Hints {
  const watched = new Map<SpaceId, Set<Seen>>()
  let socket: WebSocket | undefined
  let isWelcome = false
  let isClosed = false
  let failures = 0
  let timer: NodeJS.Timeout | undefined

  const send = (frame: { type: string; [field: string]: unknown }): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(encodeFrame(frame))
  }

  const heardSomething = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => socket?.close(), SILENCE_MS)
  }

  function received(text: string): void {
    heardSomething()
    for (const line of parseServerMessage(text)) {
      if (!line.ok) continue
      const frame = line.value
      switch (frame.type) {
        case 'welcome':
          isWelcome = true
          failures = 0
          send({ type: 'work' })
          for (const space of watched.keys()) send({ type: 'subscribe', space, present: false })
          break
        case 'work':
          work()
          break
        case 'snapshot':
          for (const intention of frame.intentions) tell(frame.space, (seen) => seen.put(intention))
          break
        case 'resumed':
        case 'changes':
          for (const change of frame.changes) {
            if (change.kind === 'intention.put') tell(frame.space, (seen) => seen.put(change.body))
            if (change.kind === 'intention.remove') tell(frame.space, (seen) => seen.removed(change.body.id))
          }
          break
        case 'unsubscribed':
          tell(frame.space, (seen) => seen.lost())
          break
        default:
          break
      }
    }
  }

  function tell(space: SpaceId, say: (seen: Seen) => void): void {
    for (const seen of watched.get(space) ?? []) say(seen)
  }

  function open(): void {
    const opened = new WebSocket(syncUrl)
    socket = opened
    heardSomething()
    opened.addEventListener('open', () => send({ type: 'hello', protocol: PROTOCOL_VERSION, token: token() }))
    opened.addEventListener('message', ({ data }) => {
      if (typeof data === 'string' && socket === opened) received(data)
    })
    opened.addEventListener('close', ({ code }) => {
      if (socket !== opened || isClosed) return
      isWelcome = false
      clearTimeout(timer)
      const waitMs = backoffMs(BACKOFF, failures++, Math.random())
      log.debug({ code, waitMs }, 'the connection for hints was closed')
      timer = setTimeout(open, waitMs)
    })
    // What went wrong is followed by a close.
    opened.addEventListener('error', () => undefined)
  }

  open()
  return {
    watch(space, { epoch, version }, seen) {
      const among = watched.get(space) ?? new Set<Seen>()
      among.add(seen)
      watched.set(space, among)
      if (isWelcome) send({ type: 'subscribe', space, epoch, after: version, present: false })
      return () => {
        among.delete(seen)
        if (among.size > 0 || watched.get(space) !== among) return
        watched.delete(space)
        if (isWelcome) send({ type: 'unsubscribe', space })
      }
    },
    get isOpen() {
      return isWelcome
    },
    tokenRenewed: () => send({ type: 'refresh', token: token() }),
    close() {
      isClosed = true
      clearTimeout(timer)
      socket?.close()
    },
  }
}
