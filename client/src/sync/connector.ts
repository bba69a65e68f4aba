/**
 * Runs the machine of the connection: owns the socket and does what the machine decides. Frames that concern spaces are
 * passed on. A socket that cannot even be made, because the page may not or the address is none, is a failed attempt.
 */
import { Runner } from '@rhizom/machine'
import { type ClientFrameInput, encodeMessage, PROTOCOL_VERSION } from '@rhizom/protocol'
import { connectionMachine, idle } from '../core/connection.ts'
import type { ConnectionEffect, ConnectionEvent, ConnectionState } from '../core/connection-state.ts'
import { type LeftOut, readServerMessage, type ReceivedFrame } from '../core/received.ts'
import type { Environment } from '../runtime/environment.ts'
import { type ClientSocket, NO_CLOSE_FRAME } from '../runtime/websocket.ts'
import { callSafely } from './listeners.ts'

export interface ConnectorListeners {
  renewToken(): void
  /** The connection is live: everything that is wanted is to be asked for again. */
  onLive(): void
  /** The connection was live and is no more. */
  onDown(): void
  /** The frames of one message, in order. */
  onFrames(frames: readonly ReceivedFrame[]): void
  onState(state: ConnectionState): void
}

export interface ConnectorDeps {
  environment: Environment
  syncUrl: string
  token(): string
  noteLeftOut(leftOut: readonly LeftOut[]): void
}

export interface Connector {
  state(): ConnectionState
  /** Whether frames can be sent. */
  isOpen(): boolean
  dispatch(event: ConnectionEvent): void
  /** Sends if the connection is open; what is lost is asked for again when it next is. */
  send(frames: readonly ClientFrameInput[]): void
  listen(listeners: ConnectorListeners): void
}

const isOpen = ({ status }: ConnectionState): boolean => status === 'live' || status === 'draining'

export function createConnector({ environment, syncUrl, token, noteLeftOut }: ConnectorDeps): Connector {
  let socket: ClientSocket | undefined
  let listeners: ConnectorListeners | undefined

  const runner = new Runner<ConnectionState, ConnectionEvent, ConnectionEffect>({
    machine: connectionMachine,
    initial: idle,
    clock: environment,
    random: () => environment.random(),
    carryOut,
    faulted: (error) => environment.report('a step of the connection failed', error),
    changed(state, before) {
      if (isOpen(before) && !isOpen(state))
        callSafely(environment, 'a loss of the connection', () => listeners?.onDown())
      listeners?.onState(state)
    },
  })
  const dispatch = (event: ConnectionEvent): void => runner.dispatch(event)

  function carryOut(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'openSocket':
        return openSocket()
      case 'closeSocket':
        socket?.close()
        socket = undefined
        return
      case 'sendHello':
        return write([{ type: 'hello', protocol: PROTOCOL_VERSION, token: token() }])
      case 'sendRefresh':
        return write([{ type: 'refresh', token: token() }])
      case 'sendPing':
        return write([{ type: 'ping' }])
      case 'renewToken':
        return listeners?.renewToken()
      case 'announceLive':
        return listeners?.onLive()
      default:
        return effect satisfies never
    }
  }

  function openSocket(): void {
    try {
      socket = environment.openSocket(syncUrl, {
        onOpen: () => dispatch({ type: 'socketOpened' }),
        onText: receive,
        onClose(code, reason) {
          socket = undefined
          dispatch({ type: 'socketClosed', code, reason })
        },
      })
    } catch (error) {
      environment.report('a socket could not be made', error)
      dispatch({ type: 'socketClosed', code: NO_CLOSE_FRAME, reason: '' })
    }
  }

  const write = (frames: readonly ClientFrameInput[]): void => socket?.send(encodeMessage(frames))

  function receive(text: string): void {
    const frames: ReceivedFrame[] = []
    dispatch({ type: 'frameReceived' })
    for (const line of readServerMessage(text)) {
      noteLeftOut(line.leftOut)
      // A line that is not understood counts as lost: the next one shows the gap, and the space asks again.
      if (!line.ok) environment.report(`a frame was not understood: ${line.problem} (${line.path ?? 'whole'})`)
      else if (line.value.type !== 'ignored') frames.push(line.value)
    }
    for (const frame of frames) dispatchFrame(frame)
    if (isOpen(runner.state)) callSafely(environment, 'what takes frames', () => listeners?.onFrames(frames))
  }

  /** What a frame means to the connection itself. */
  function dispatchFrame(frame: ReceivedFrame): void {
    if (frame.type === 'welcome')
      dispatch({ type: 'welcomed', connectionId: frame.session, heartbeatMs: frame.heartbeatMs })
    else if (frame.type === 'goodbye')
      dispatch({ type: 'goodbyeReceived', reason: frame.reason, reconnectAfterMs: frame.reconnectAfterMs })
    else if (frame.type === 'error' && frame.space === undefined && frame.retryAfterMs !== undefined)
      dispatch({ type: 'delayRequested', retryAfterMs: frame.retryAfterMs })
  }

  return {
    state: () => runner.state,
    isOpen: () => isOpen(runner.state),
    dispatch,
    send(frames) {
      if (isOpen(runner.state) && frames.length > 0) write(frames)
    },
    listen(those) {
      listeners = those
    },
  }
}
