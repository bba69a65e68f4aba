/**
 * The server of the page's port: files of the built page, and the way to the backend below `/v1`. Whatever comes over a
 * connection is answered there or ends there: nothing that a peer sends is thrown past this file, holds a connection
 * open by being slow, or is answered without the headers of the page.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Problem, problemOf } from '@rhizom/protocol'
import { endWithStatus, sendProblem, sendText } from './answers.ts'
import { PAGE_HEADERS } from './page-headers.ts'
import type { SendPage } from './page-files.ts'
import type { IsKnownName } from './page-names.ts'
import { readTarget } from './request-target.ts'
import type { Spread } from './spread-proxy.ts'

export interface PageServerOptions {
  sendPage: SendPage
  spread: Spread
  /** By which names the page may be asked for; by all, if not given. */
  isKnownName?: IsKnownName
  /** For a head, and for a head with its body. */
  requestTimeoutMs?: number
  /** Told what went wrong here through no fault of a peer's. */
  onFault: (error: unknown) => void
}

const REQUEST_TIMEOUT_MS = 10_000
/** A peer that neither sends nor takes anything. */
const SILENCE_MS = 75_000
const MAX_CONNECTIONS = 8_000
const MAX_HEAD_BYTES = 16 * 1024

export function createPageServer(options: PageServerOptions): Server {
  const { sendPage, spread, onFault, isKnownName = () => true, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options

  /** Without a host, or with two, it is not said who is asked; the protocol before the present one knew none. */
  function refusalOf({ headersDistinct, httpVersion }: IncomingMessage): 400 | 421 | undefined {
    const hosts = headersDistinct['host'] ?? []
    if (hosts.length > 1 || (hosts.length === 0 && httpVersion !== '1.0')) return 400
    return hosts.every(isKnownName) ? undefined : 421
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request)
    if (refusal !== undefined)
      return sendText(response, refusal, 'A request names one host, and this page by one of its names')
    const target = readTarget(request.url ?? '')
    switch (target.kind) {
      case 'api':
      case 'sync':
        return spread.request(target, request, response)
      case 'page':
        if (request.method === 'GET' || request.method === 'HEAD') return sendPage(target, request, response)
        return sendText(response, 405, 'The page is only read', { Allow: 'GET, HEAD', Connection: 'close' })
      case 'refused':
        return sendText(response, target.status, `Not understood: ${target.why}`, { Connection: 'close' })
      default:
        target satisfies never
    }
  }

  /** The answers under way on a connection, which pipelining may make more than one. */
  const answering = new WeakMap<Duplex, Set<ServerResponse>>()

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const current = answering.get(socket) ?? new Set()
    answering.set(socket, current.add(response))
    response.once('close', () => current.delete(response))
    for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value)
    answer(request, response).catch((error: unknown) => {
      // Whoever leaves in the middle of an answer is no fault.
      if (!hasLeft(error)) onFault(error)
      sendProblem(response, problemOf('internal', 'something went wrong here'))
    })
  }

  function endBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
    const begun = [...(answering.get(socket) ?? [])].some(({ headersSent }) => headersSent)
    // In the middle of an answer there is no place for another.
    if (begun) socket.destroy()
    else endWithStatus(socket, STATUS_OF[error.code ?? ''] ?? 400)
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const target = readTarget(request.url ?? '')
    const refusal = refusalOf(request)
    try {
      if (refusal !== undefined) endWithStatus(socket, refusal)
      else if (target.kind === 'sync') spread.upgrade(target, request, socket, head)
      else endWithStatus(socket, 404)
    } catch (error) {
      onFault(error)
      socket.destroy()
    }
  }

  const server = createServer({
    ...HTTP_OPTIONS,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, requestTimeoutMs),
  })
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = SILENCE_MS
  // For the whole life of a socket, also where Node's HTTP has handed it over.
  server.on('connection', (socket) => socket.on('error', () => socket.destroy()))
  server.on('request', handle)
  server.on('checkContinue', (request, response) => {
    if (!spread.wants(request)) return refuseUnsent(response, problemOf('too-large', 'the body is over the limit'))
    response.writeContinue()
    handle(request, response)
  })
  server.on('checkExpectation', (_request, response) =>
    refuseUnsent(response, { ...problemOf('malformed', 'the expectation is not understood'), status: 417 }),
  )
  server.on('upgrade', upgrade)
  server.on('connect', (_request, socket) => endWithStatus(socket, 405))
  server.on('clientError', endBroken)
  return server
}

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
}

const hasLeft = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'

const HTTP_OPTIONS = {
  maxHeaderSize: MAX_HEAD_BYTES,
  // Node would answer by itself, without the headers of the page.
  requireHostHeader: false,
  // A wish to upgrade that is none of ours is passed over, as the standard has it, and the request answered.
  shouldUpgradeCallback: ({ url = '' }: IncomingMessage): boolean => readTarget(url).kind === 'sync',
}

/** The body has not been sent yet, and is not going to be. */
function refuseUnsent(response: ServerResponse, problem: Problem): void {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value)
  sendProblem(response, problem, { Connection: 'close' })
}
