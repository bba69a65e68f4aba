/**
 * One client: a socket to one gateway, one space on its screen. Says hello, subscribes, applies what comes by the rule
 * of watched-space.ts, and after a close or a gap resumes by its position, as any client would. What it finds goes
 * into the measures; what it saw is compared with the log at the end (`lost`).
 */
import { setTimeout } from 'k6/timers'
import { WebSocket } from 'k6/websockets'
import { measures } from './measures.ts'
import { changeRoster, rosterFaults, setRoster } from './roster.ts'
import { type Told, ToldSpace, type WatchedSpace } from './watched-space.ts'
import { type Frame, helloLine, readMessage, subscribeLine, SYNC_PATH } from './wire.ts'

const RECONNECT_AFTER_MS = 500

export interface ScreenClientOptions {
  gateway: string
  /** For the measures: 1 is the first. */
  gatewayNumber: number
  token: string
  space: string
  /** Where the space stood before anyone wrote. */
  begins: WatchedSpace
}

export interface ScreenClient {
  version(): number
  close(): void
  /** Cuts the connection without waiting for the other side, and comes back that much later. */
  cut(awayMs: number): void
  bySnapshot(): number
  lost(log: readonly number[]): number
  /** How many are listed as here and are not, or are and are not listed. */
  rosterFaults(expected: ReadonlySet<string>): number
}

export function openScreenClient(options: ScreenClientOptions): ScreenClient {
  const tags = { gateway: String(options.gatewayNumber) }
  const url = `${options.gateway.replace(/^http/, 'ws')}${SYNC_PATH}`
  const told = new ToldSpace(options.begins)
  const here = new Set<string>()
  let closed = false
  const openedAtMs = Date.now()
  /** Since when it is back after having been away. */
  let backAtMs = 0
  let reconnectAfterMs = RECONNECT_AFTER_MS
  /** Undefined while it is away. */
  let socket: WebSocket | undefined = connect()

  function connect(): WebSocket {
    const opened = new WebSocket(url)
    opened.addEventListener('open', () => {
      opened.send(helloLine(options.token))
      opened.send(subscribeLine(options.space, told.held))
    })
    opened.addEventListener('message', (event) => {
      // What still comes over a connection that was cut reaches no screen.
      if (opened === socket && 'data' in event && typeof event.data === 'string') onMessage(opened, event.data)
    })
    opened.addEventListener('close', () => {
      if (opened === socket) comeBack()
    })
    return opened
  }

  function comeBack(): void {
    if (closed) return
    measures.reconnects.add(1)
    setTimeout(() => {
      if (closed) return
      backAtMs = Date.now()
      socket = connect()
    }, reconnectAfterMs)
    reconnectAfterMs = RECONNECT_AFTER_MS
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
      case 'presence': {
        const { joined, doubled } = changeRoster(here, frame.joined, frame.left)
        measures.presenceJoins.add(joined.length)
        for (const { since } of joined) measures.joinToScreen.add(Math.max(0, nowMs - since))
        if (doubled > 0) measures.presenceDoubled.add(doubled)
        return
      }
      case 'refused':
        console.error(`client of ${options.space}: ${frame.code}`)
        setTimeout(() => from.send(subscribeLine(options.space, told.held)), frame.retryAfterMs ?? 1_000)
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

  function onTold(from: WebSocket, frame: Told, nowMs: number): void {
    const first = told.held === undefined
    const observation = told.tell(frame)
    if (observation === undefined) return
    if (first) {
      measures.clientsLive.add(1)
      measures.openToSnapshot.add(nowMs - openedAtMs)
    }
    if (frame.here !== undefined) setRoster(here, frame.here)
    if (observation.duplicates > 0) measures.duplicates.add(observation.duplicates)
    if (observation.disorders > 0) measures.orderViolations.add(observation.disorders)
    if (observation.resume) from.send(subscribeLine(options.space, told.held))
    if (observation.fresh.length > 0) measures.changesSeen.add(observation.fresh.length)
    for (const { at } of observation.fresh) {
      if (at < backAtMs) measures.returnToScreen.add(nowMs - backAtMs)
      else measures.commitToScreen.add(nowMs - at, tags)
    }
  }

  return {
    version: () => told.held?.version ?? -1,
    close() {
      closed = true
      socket?.close(1000)
    },
    cut(awayMs) {
      if (socket === undefined) return
      reconnectAfterMs = Math.max(1, awayMs)
      // Its close is not waited for: what it still says is nobody's.
      const former = socket
      socket = undefined
      former.close()
      comeBack()
    },
    bySnapshot: () => told.bySnapshot,
    lost: (log) => told.lost(log),
    rosterFaults: (expected) => rosterFaults(here, expected),
  }
}
