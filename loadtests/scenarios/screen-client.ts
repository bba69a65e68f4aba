/**
 * One client: a socket to one gateway, one space on its screen. Says hello, subscribes, applies what comes by the rule
 * of watched-space.ts, and after a close or a gap resumes by its position, as any client would. What it finds goes
 * into the measures; what it saw is compared with the log at the end (`countLost`).
 */
import { setTimeout } from 'k6/timers'
import { WebSocket } from 'k6/websockets'
import { measures } from './measures.ts'
import { countLost, note, observe, type Seen, type WatchedSpace } from './watched-space.ts'
import { type Frame, helloLine, readMessage, subscribeLine, SYNC_PATH } from './wire.ts'

const RECONNECT_AFTER_MS = 500

export interface ScreenClientOptions {
  gateway: string
  /** For the measures: 1 is the first. */
  gatewayNumber: number
  token: string
  space: string
  /** Where the space stood before anyone wrote: what comes after is owed to this client. */
  begins: WatchedSpace
}

export interface ScreenClient {
  version(): number
  close(): void
  /** Versions after the beginning that a snapshot stood in for. */
  bySnapshot(): number
  /** How many of the log's versions never came; `log` has the names of those after the beginning. */
  lost(log: readonly number[]): number
}

export function openScreenClient(options: ScreenClientOptions): ScreenClient {
  const tags = { gateway: String(options.gatewayNumber) }
  const url = `${options.gateway.replace(/^http/, 'ws')}${SYNC_PATH}`
  let held: WatchedSpace | undefined
  let seen: Seen | undefined
  let bySnapshot = 0
  let closed = false
  const openedAtMs = Date.now()
  let reconnectAfterMs = RECONNECT_AFTER_MS
  let socket = connect()

  function connect(): WebSocket {
    const opened = new WebSocket(url)
    opened.addEventListener('open', () => {
      opened.send(helloLine(options.token))
      opened.send(subscribeLine(options.space, held))
    })
    opened.addEventListener('message', (event) => {
      if ('data' in event && typeof event.data === 'string') onMessage(opened, event.data)
    })
    opened.addEventListener('close', () => {
      if (closed) return
      measures.reconnects.add(1)
      setTimeout(() => {
        if (!closed) socket = connect()
      }, reconnectAfterMs)
      reconnectAfterMs = RECONNECT_AFTER_MS
    })
    return opened
  }

  function onMessage(from: WebSocket, message: string): void {
    const nowMs = Date.now()
    let frames: Frame[]
    try {
      frames = readMessage(message)
    } catch (error) {
      measures.notUnderstood.add(1)
      console.error(error)
      return
    }
    for (const frame of frames) onFrame(from, frame, nowMs)
  }

  function onFrame(from: WebSocket, frame: Frame, nowMs: number): void {
    switch (frame.type) {
      case 'snapshot':
      case 'run':
        return onTold(from, frame, nowMs)
      case 'refused':
        console.error(`client of ${options.space}: ${frame.code}`)
        setTimeout(() => from.send(subscribeLine(options.space, held)), frame.retryAfterMs ?? 1_000)
        return
      case 'goodbye':
        reconnectAfterMs = Math.max(frame.reconnectAfterMs, 1)
        return
      case 'welcome':
      case 'other':
        return
      default:
        frame satisfies never
    }
  }

  function onTold(from: WebSocket, frame: Extract<Frame, { type: 'snapshot' | 'run' }>, nowMs: number): void {
    const observation = observe(held, frame)
    if (observation === undefined) return
    if (held === undefined) {
      measures.clientsLive.add(1)
      measures.openToSnapshot.add(nowMs - openedAtMs)
      bySnapshot = observation.held.version - options.begins.version
    }
    held = observation.held
    seen ??= { start: options.begins.version, names: [] }
    note(seen, observation.fresh)
    bySnapshot += observation.bySnapshot
    if (observation.duplicates > 0) measures.duplicates.add(observation.duplicates)
    if (observation.disorders > 0) measures.orderViolations.add(observation.disorders)
    if (observation.resume) from.send(subscribeLine(options.space, held))
    if (observation.fresh.length > 0) measures.changesSeen.add(observation.fresh.length)
    for (const change of observation.fresh) measures.commitToScreen.add(nowMs - change.at, tags)
  }

  return {
    version: () => held?.version ?? -1,
    close() {
      closed = true
      socket.close(1000)
    },
    bySnapshot: () => bySnapshot,
    lost: (log) => (seen === undefined ? log.length : countLost(seen, options.begins.version, log, bySnapshot)),
  }
}
