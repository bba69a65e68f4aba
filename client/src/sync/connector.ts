/**
 * Runs the machines of the connection: one keeps a link to a gateway (`core/connection.ts`), one moves to another link
 * before the first is let go (`core/handover.ts`). Owns the links and does what the machines decide; frames that
 * concern spaces are passed on. A link that cannot even be made, because the page may not or the address is none, is a
 * failed attempt.
 */
import { Runner } from '@rhizom/machine'
import { type ClientFrameInput, NO_CLOSE_FRAME, PROTOCOL_VERSION } from '@rhizom/protocol'
import { connectionMachine, idle } from '../core/connection.ts'
import type { DisconnectCause, ConnectionEffect, ConnectionEvent, ConnectionState } from '../core/connection-state.ts'
import {
  type Handover,
  type HandoverEffect,
  type HandoverEvent,
  handoverMachine,
  noHandover,
} from '../core/handover.ts'
import { type LeftOut, readServerMessage, type IncomingFrame } from '../core/incoming.ts'
import { CONNECTION_TIMES } from '../core/times.ts'
import {
  afterConnection,
  afterFailure,
  afterSuccess,
  anew,
  firstChoice,
  probeOf,
  type TransportName,
} from '../core/transport.ts'
import type { Environment } from '../runtime/environment.ts'
import type { OpenTransport, TransportSocket } from '../runtime/transport-socket.ts'
import { callSafely } from './listeners.ts'

export interface ConnectorListeners {
  renewToken(): void
  /** The connection is live: everything that is wanted is to be asked for again. */
  onLive(): void
  /** Another link takes over: everything is to be asked for over it, while the former one goes on. */
  onMove(): void
  /** Whether all that was asked for is answered. */
  isAnswered(): boolean
  /** The connection was live and is no more. */
  onDown(): void
  /** The frames of one message, in order. */
  onFrames(frames: readonly IncomingFrame[]): void
  onState(state: ConnectionState): void
}

export interface ConnectorDeps {
  environment: Environment
  /** The ways to reach a gateway, the best first. */
  transports: ReadonlyMap<TransportName, OpenTransport>
  token(): string
  noteLeftOut(leftOut: readonly LeftOut[]): void
}

export interface Connector {
  state(): ConnectionState
  /** By which way it is connected, or is being tried. */
  transport(): TransportName
  /** Whether frames can be sent. */
  isOpen(): boolean
  dispatch(event: ConnectionEvent): void
  /** Sends if the connection is open; what is lost is asked for again when it next is. */
  send(frames: readonly ClientFrameInput[]): void
  listen(listeners: ConnectorListeners): void
}

interface Link {
  transport: TransportName
  socket: TransportSocket | undefined
}

const isOpen = ({ status }: ConnectionState): boolean => status === 'live' || status === 'draining'

export function createConnector({ environment, transports, token, noteLeftOut }: ConnectorDeps): Connector {
  const order = [...transports.keys()]
  let choice = firstChoice(order)
  let link: Link | undefined
  let next: Link | undefined
  /** How long the gateway of the next link asked to be left alone. */
  let nextFloorMs = 0
  let listeners: ConnectorListeners | undefined

  const ports = { clock: environment, random: () => environment.random() }
  const runner = new Runner<ConnectionState, ConnectionEvent, ConnectionEffect>({
    ...ports,
    machine: connectionMachine,
    initial: idle,
    carryOut,
    faulted: (error) => environment.report('a step of the connection failed', error),
    changed,
  })
  const handover = new Runner<Handover, HandoverEvent, HandoverEffect>({
    ...ports,
    machine: handoverMachine,
    initial: noHandover,
    carryOut: carryOutHandover,
    faulted: (error) => environment.report('a step of a handover failed', error),
    changed: () => undefined,
  })
  function dispatch(event: ConnectionEvent): void {
    // Another network, or a person who knows better, may have what the last one lacked.
    if (!isOpen(runner.state) && (event.type === 'networkFound' || event.type === 'retryRequested'))
      choice = anew(choice, order)
    runner.dispatch(event)
  }

  function changed(state: ConnectionState, before: ConnectionState): void {
    learn(state, before)
    if (isOpen(before) && !isOpen(state)) {
      handover.dispatch({ type: state.status === 'waiting' ? 'formerLost' : 'cancelled' })
      callSafely(environment, 'a loss of the connection', () => listeners?.onDown())
    }
    if (state.status === 'draining' && before.status !== 'draining') {
      const { name: transport } = choice
      handover.dispatch({ type: 'planned', reason: 'goodbye', transport, atMs: state.notBeforeMs, attempt: 0 })
    }
    listeners?.onState(state)
  }

  /** What an attempt or a connection says of its transport. */
  function learn(state: ConnectionState, before: ConnectionState): void {
    if (state.status === 'live' && !isOpen(before)) {
      choice = afterSuccess(choice, link?.transport ?? choice.name)
      planProbe()
    }
    if (state.status !== 'waiting') return
    const { cause }: { cause: DisconnectCause } = state
    if (before.status === 'connecting' || before.status === 'authenticating')
      choice = afterFailure(choice, cause, order)
    if (before.status === 'live' || before.status === 'draining') {
      const lasted = environment.nowMs() - before.sinceMs >= CONNECTION_TIMES.lastingAfterMs
      choice = afterConnection(choice, cause, lasted, order)
    }
  }

  function planProbe(): void {
    const probe = probeOf(choice, environment.random(), order)
    if (probe === undefined) return
    const { transport, delayMs } = probe
    const atMs = environment.nowMs() + delayMs
    handover.dispatch({ type: 'planned', reason: 'better', transport, atMs, attempt: choice.shortLived })
  }

  function carryOut(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'openSocket':
        link = open(choice.name)
        return
      case 'closeSocket':
        link?.socket?.close()
        link = undefined
        return
      case 'sendHello':
        return link?.socket?.send([hello()])
      case 'sendRefresh':
        next?.socket?.send([{ type: 'refresh', token: token() }])
        return link?.socket?.send([{ type: 'refresh', token: token() }])
      case 'sendPing':
        return link?.socket?.send([{ type: 'ping' }])
      case 'renewToken':
        return listeners?.renewToken()
      case 'announceLive':
        return listeners?.onLive()
      default:
        return effect satisfies never
    }
  }

  function carryOutHandover(effect: HandoverEffect): void {
    switch (effect.type) {
      case 'openNext':
        nextFloorMs = 0
        next = open(effect.transport)
        return
      case 'closeNext':
        next?.socket?.close()
        next = undefined
        return
      case 'sendHello':
        return next?.socket?.send([hello()])
      case 'moveSpaces':
        listeners?.onMove()
        return checkAnswered()
      case 'moveBack':
        return listeners?.onMove()
      case 'complete':
        link?.socket?.close()
        link = next
        next = undefined
        choice = afterSuccess(choice, effect.transport)
        dispatch({ type: 'handedOver', connectionId: effect.connectionId, heartbeatMs: effect.heartbeatMs })
        return planProbe()
      default:
        return effect satisfies never
    }
  }

  const hello = (): ClientFrameInput => ({ type: 'hello', protocol: PROTOCOL_VERSION, token: token() })

  function open(transport: TransportName): Link {
    const self: Link = { transport, socket: undefined }
    const handlers = {
      onOpen: () => (self === next ? handover.dispatch({ type: 'socketOpened' }) : dispatch({ type: 'socketOpened' })),
      onText: (text: string) => receive(self, text),
      onClose: (code: number, reason: string) => closed(self, code, reason),
    }
    try {
      self.socket = transports.get(transport)?.(handlers)
    } catch (error) {
      environment.report('a socket could not be made', error)
      // Not before whoever opens it holds it.
      queueMicrotask(() => closed(self, NO_CLOSE_FRAME, ''))
    }
    return self
  }

  function closed(self: Link, code: number, reason: string): void {
    if (self === next) {
      next = undefined
      handover.dispatch({ type: 'socketClosed', floorMs: nextFloorMs })
    } else if (self === link) {
      link = undefined
      dispatch({ type: 'socketClosed', code, reason })
    }
  }

  function receive(self: Link, text: string): void {
    const frames: IncomingFrame[] = []
    if (self === link) dispatch({ type: 'frameReceived' })
    for (const line of readServerMessage(text)) {
      noteLeftOut(line.leftOut)
      // A line that is not understood counts as lost: the next one shows the gap, and the space asks again.
      if (!line.ok) environment.report(`a frame was not understood: ${line.problem} (${line.path ?? 'whole'})`)
      else if (line.value.type !== 'ignored') frames.push(line.value)
    }
    if (self === link) receiveByLink(frames)
    else if (self === next) receiveByNext(self, frames)
  }

  function receiveByLink(frames: readonly IncomingFrame[]): void {
    for (const frame of frames) {
      if (frame.type === 'welcome')
        dispatch({ type: 'welcomed', connectionId: frame.session, heartbeatMs: frame.heartbeatMs })
      else if (frame.type === 'goodbye')
        dispatch({ type: 'goodbyeReceived', reason: frame.reason, reconnectAfterMs: frame.reconnectAfterMs })
      else if (frame.type === 'error' && frame.space === undefined && frame.retryAfterMs !== undefined)
        dispatch({ type: 'delayRequested', retryAfterMs: frame.retryAfterMs })
    }
    if (!isOpen(runner.state)) return
    // Whoever is asked for over the next link hears of all else from there; changes are known by their position.
    const isMoving = handover.state.status === 'moving'
    passOn(isMoving ? frames.filter(({ type }) => type === 'changes') : frames)
  }

  function receiveByNext(self: Link, frames: readonly IncomingFrame[]): void {
    for (const frame of frames) {
      if (frame.type === 'welcome')
        handover.dispatch({ type: 'welcomed', connectionId: frame.session, heartbeatMs: frame.heartbeatMs })
      if (frame.type === 'error' && frame.space === undefined && frame.retryAfterMs !== undefined)
        askedToWait(frame.retryAfterMs)
      // It is about to go itself.
      if (frame.type === 'goodbye') {
        askedToWait(frame.reconnectAfterMs)
        self.socket?.close()
        return closed(self, NO_CLOSE_FRAME, '')
      }
    }
    if (handover.state.status !== 'moving') return
    passOn(frames)
    checkAnswered()
  }

  /** Whichever link comes next, it comes no sooner. */
  function askedToWait(retryAfterMs: number): void {
    nextFloorMs = Math.max(nextFloorMs, retryAfterMs)
    dispatch({ type: 'delayRequested', retryAfterMs })
  }

  const passOn = (frames: readonly IncomingFrame[]): void =>
    callSafely(environment, 'what takes frames', () => listeners?.onFrames(frames))

  function checkAnswered(): void {
    if (listeners?.isAnswered() === true) handover.dispatch({ type: 'allAnswered' })
  }

  return {
    state: () => runner.state,
    transport: () => link?.transport ?? choice.name,
    isOpen: () => isOpen(runner.state),
    dispatch,
    send(frames) {
      if (!isOpen(runner.state) || frames.length === 0) return
      if (handover.state.status !== 'moving') return link?.socket?.send(frames)
      next?.socket?.send(frames)
      // The former one may have to go on.
      const ended = frames.filter(({ type }) => type === 'unsubscribe')
      if (ended.length === 0) return
      link?.socket?.send(ended)
      // It may be the one whose answer was waited for.
      checkAnswered()
    },
    listen(those) {
      listeners = those
    },
  }
}
