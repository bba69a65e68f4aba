/**
 * One connection of a bot to a gateway, for hints. Kept open with backoff; after each reconnect all of its spaces are
 * asked for from where they were told last. A space is followed from the gateway's answer until the connection is lost,
 * or the gateway says that it is not: whoever needs more than a hint asks the api meanwhile.
 */
import { backoffMs } from '@rhizom/machine'
import {
  encodeFrame,
  parseServerMessage,
  type Position,
  PROTOCOL_VERSION,
  type ServerFrame,
  type SpaceId,
} from '@rhizom/protocol'
import type { BotLog } from './ports.ts'

export interface HintSocketDeps {
  syncUrl: string
  token(): string
  log: BotLog
  /** Whether this one asks to be told of work as well. */
  asksForWork: boolean
  received(frame: ServerFrame): void
}

export interface HintSocket {
  /** Spaces that it was asked to watch. */
  readonly size: number
  readonly isOpen: boolean
  has(space: SpaceId): boolean
  isFollowing(space: SpaceId): boolean
  watch(space: SpaceId, position: Position): void
  unwatch(space: SpaceId): void
  tokenRenewed(): void
  close(): void
}

const BACKOFF = { minMs: 200, baseMs: 400, maxMs: 10_000 }
interface Watching {
  /** Up to where it was told. */
  position: Position
  /** Whether the gateway has answered, and nothing was lost since. */
  isFollowed: boolean
}

/** Silence for this long means that the connection is dead; a gateway says something every 20 s. */
const SILENCE_MS = 50_000

export function openHintSocket({ syncUrl, token, log, asksForWork, received }: HintSocketDeps): HintSocket {
  const watched = new Map<SpaceId, Watching>()
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

  const subscribe = (space: SpaceId, { epoch, version }: Position): void => {
    if (isWelcome) send({ type: 'subscribe', space, epoch, after: version, present: false })
  }

  function take(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        isWelcome = true
        failures = 0
        if (asksForWork) send({ type: 'work' })
        for (const [space, { position }] of watched) subscribe(space, position)
        break
      case 'snapshot':
        setWatching(frame.space, { position: { epoch: frame.epoch, version: frame.version }, isFollowed: true })
        break
      case 'resumed':
      case 'changes':
        setWatching(frame.space, { position: { epoch: frame.epoch, version: frame.to }, isFollowed: true })
        break
      case 'unsubscribed':
      case 'error':
        if (frame.space !== undefined) setWatching(frame.space, { isFollowed: false })
        break
      default:
        break
    }
    received(frame)
  }

  function setWatching(space: SpaceId, change: Partial<Watching>): void {
    const watching = watched.get(space)
    if (watching !== undefined) watched.set(space, { ...watching, ...change })
  }

  function lost(code: number): void {
    isWelcome = false
    for (const space of watched.keys()) setWatching(space, { isFollowed: false })
    clearTimeout(timer)
    const waitMs = backoffMs(BACKOFF, failures++, Math.random())
    log.debug({ code, waitMs }, 'the connection for hints was closed')
    timer = setTimeout(open, waitMs)
  }

  function open(): void {
    const opened = new WebSocket(syncUrl)
    socket = opened
    heardSomething()
    opened.addEventListener('open', () => send({ type: 'hello', protocol: PROTOCOL_VERSION, token: token() }))
    opened.addEventListener('message', ({ data }) => {
      if (typeof data !== 'string' || socket !== opened) return
      heardSomething()
      for (const line of parseServerMessage(data)) if (line.ok && line.value.type !== 'ignored') take(line.value)
    })
    opened.addEventListener('close', ({ code }) => {
      if (socket === opened && !isClosed) lost(code)
    })
    // What went wrong is followed by a close.
    opened.addEventListener('error', () => undefined)
  }

  open()
  return {
    get size() {
      return watched.size
    },
    get isOpen() {
      return isWelcome
    },
    has: (space) => watched.has(space),
    isFollowing: (space) => watched.get(space)?.isFollowed === true,
    watch(space, position) {
      const former = watched.get(space)
      // Who watches it already may not have been told as much as the newcomer knows.
      const from = former !== undefined && isBefore(former.position, position) ? former.position : position
      watched.set(space, { position: from, isFollowed: false })
      subscribe(space, from)
    },
    unwatch(space) {
      watched.delete(space)
      if (isWelcome) send({ type: 'unsubscribe', space })
    },
    tokenRenewed: () => send({ type: 'refresh', token: token() }),
    close() {
      isClosed = true
      clearTimeout(timer)
      socket?.close()
    },
  }
}

const isBefore = (left: Position, right: Position): boolean =>
  left.epoch === right.epoch && left.version < right.version
