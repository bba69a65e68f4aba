/**
 * The connections of a node, each with the requests on it.
 *
 * One address may have a share of them, so that connections on which nothing is said cannot take all. It is counted
 * only where no proxy is in front: behind one, all are the proxy's.
 *
 * A stopping node waits for the requests whose bodies are there, and for nothing else: a connection on which nothing
 * was asked yet, or whose peer fell silent within a request, would hold it up until its timeout.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { networkOf } from '@rhizom/process'
import { Shares } from './shares.ts'

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
}

export interface ConnectionBounds {
  all: number
  /** Where addresses are told apart. */
  perAddress: number | undefined
  /** Called for each connection that is closed at once. */
  refused: (whose: 'all' | 'address') => void
}

export class OpenConnections {
  readonly #bounds: ConnectionBounds
  readonly #shares: Shares
  readonly #open = new Map<Socket, Set<Exchange>>()
  #closing = false

  constructor(bounds: ConnectionBounds) {
    const { all, perAddress = all } = bounds
    this.#bounds = bounds
    this.#shares = new Shares({ all, perAddress, perActor: all })
  }

  /** To be called once, before the server listens. */
  attach(server: Server): void {
    server.maxConnections = this.#bounds.all
    server.on('drop', () => this.#bounds.refused('all'))
    server.on('connection', (socket) => this.#opened(socket))
    server.on('request', (request, response) => this.#asked({ request, response }))
  }

  /** Whether an answer has begun on this connection: nothing else may be written to it then. */
  isAnswering(socket: Socket): boolean {
    return [...(this.#open.get(socket) ?? [])].some(({ response }) => response.headersSent)
  }

  /** Closes every connection without a request under way, and each other one with its answer. */
  close(): void {
    this.#closing = true
    for (const [socket, exchanges] of this.#open)
      if (![...exchanges].some(({ request }) => request.complete)) socket.destroy()
  }

  #opened(socket: Socket): void {
    const { remoteAddress } = socket
    const isCounted = this.#bounds.perAddress !== undefined && remoteAddress !== undefined
    const holder = { address: isCounted ? networkOf(remoteAddress) : undefined, actor: undefined }
    if (this.#shares.take(holder, 1) !== undefined) {
      this.#bounds.refused('address')
      socket.destroy()
      return
    }
    this.#open.set(socket, new Set())
    socket.once('close', () => {
      this.#open.delete(socket)
      this.#shares.give(holder, 1)
    })
  }

  #asked(exchange: Exchange): void {
    const { socket } = exchange.request
    const exchanges = this.#open.get(socket)
    exchanges?.add(exchange)
    exchange.response.once('close', () => {
      exchanges?.delete(exchange)
      if (this.#closing) socket.destroySoon()
    })
  }
}
