/**
 * The hands of the connection machine: it owns the socket and the one timer, feeds the machine what happens and
 * carries out what it decides. It has no opinion of its own. Frames that concern spaces are passed on to whoever
 * listens.
 */
import {
  type ClientFrameInput,
  encodeMessage,
  parseServerMessage,
  PROTOCOL_VERSION,
  type ServerFrame,
} from '@rhizom/protocol'
import { deadlineOf, idle, step } from '../core/connection.ts'
import type { ConnectionEffect, ConnectionEvent, ConnectionState } from '../core/connection-state.ts'
import type { Environment } from '../runtime/environment.ts'
import type { ClientSocket } from '../runtime/websocket.ts'

export interface ConnectorListeners {
  token(): string
  renewToken(): void
  /** The connection is live: say again what is wanted. */
  onLive(): void
  /** The connection was live and is no more. */
  onDown(): void
  /** The frames of one message, in order. */
  onFrames(frames: readonly ServerFrame[]): void
  onState(state: ConnectionState): void
}

export interface Connector {
  state(): ConnectionState
  tell(event: ConnectionEvent): void
  /** Sends if the connection is live; what is lost is asked for again when it next is. */
  send(frames: readonly ClientFrameInput[]): void
}

const isOpen = ({ status }: ConnectionState): boolean => status === 'live' || status === 'draining'

export function createConnector(environment: Environment, syncUrl: string, listeners: ConnectorListeners): Connector {
  let state: ConnectionState = idle
  let socket: ClientSocket | null = null
  let armed: { deadlineMs: number; cancel: () => void } | null = null
  let queue: ConnectionEvent[] | null = null

  /** Events raised while one is handled wait their turn, so that effects never interleave. */
  function tell(event: ConnectionEvent): void {
    if (queue !== null) {
      queue.push(event)
      return
    }
    queue = [event]
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) take(next)
    queue = null
  }

  function take(event: ConnectionEvent): void {
    const before = state
    const { state: after, effects } = step(state, event, { nowMs: environment.nowMs(), random: environment.random() })
    state = after
    if (event.type === 'socketClosed') socket = null
    for (const effect of effects) perform(effect)
    armTimer()
    if (isOpen(before) && !isOpen(after)) listeners.onDown()
    if (before !== after) listeners.onState(after)
  }

  /** One timer for the one deadline. It is left alone while the deadline only moves further away. */
  function armTimer(): void {
    const deadlineMs = deadlineOf(state)
    if (armed !== null && deadlineMs !== null && armed.deadlineMs <= deadlineMs) return
    armed?.cancel()
    armed = null
    if (deadlineMs === null) return
    const cancel = environment.setTimer(deadlineMs - environment.nowMs(), () => {
      armed = null
      tell({ type: 'timePassed' })
    })
    armed = { deadlineMs, cancel }
  }

  const write = (frames: readonly ClientFrameInput[]): void => socket?.send(encodeMessage(frames))

  function perform(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'openSocket':
        socket = environment.openSocket(syncUrl, {
          onOpen: () => tell({ type: 'socketOpened' }),
          onText: hear,
          onClose: (code, reason) => tell({ type: 'socketClosed', code, reason }),
        })
        return
      case 'closeSocket':
        socket?.close()
        socket = null
        return
      case 'sendHello':
        return write([{ type: 'hello', protocol: PROTOCOL_VERSION, token: listeners.token() }])
      case 'sendRefresh':
        return write([{ type: 'refresh', token: listeners.token() }])
      case 'sendPing':
        return write([{ type: 'ping' }])
      case 'renewToken':
        return listeners.renewToken()
      case 'announceLive':
        return listeners.onLive()
      default:
        return effect satisfies never
    }
  }

  function hear(text: string): void {
    const frames: ServerFrame[] = []
    tell({ type: 'frameHeard' })
    for (const line of parseServerMessage(text)) {
      // A line that is not understood counts as lost: the next one shows the gap, and the space asks again.
      if (!line.ok) environment.report(`a frame was not understood: ${line.problem} (${line.path ?? 'whole'})`)
      else if (line.value.type !== 'ignored') frames.push(line.value)
    }
    for (const frame of frames) concernConnection(frame)
    if (isOpen(state)) listeners.onFrames(frames)
  }

  function concernConnection(frame: ServerFrame): void {
    if (frame.type === 'welcome') tell({ type: 'welcomed', session: frame.session, heartbeatMs: frame.heartbeatMs })
    else if (frame.type === 'goodbye')
      tell({ type: 'goodbyeSaid', reason: frame.reason, reconnectAfterMs: frame.reconnectAfterMs })
    else if (frame.type === 'error' && frame.space === undefined && frame.retryAfterMs !== undefined)
      tell({ type: 'delayAsked', retryAfterMs: frame.retryAfterMs })
  }

  return {
    state: () => state,
    tell,
    send: (frames) => {
      if (isOpen(state) && frames.length > 0) write(frames)
    },
  }
}
