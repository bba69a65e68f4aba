/**
 * The page server's way to the backend: what a load balancer does in production. Requests below `/v1` go to the first
 * api that accepts them; sockets on `/v1/sync` are spread round-robin over the gateways, and `/v1/sync/sse` with them.
 * A node that refuses is passed over for the next; when all do, the browser learns it at once.
 *
 * It takes only targets that were read (request-target.ts), and passes them on as they came. When either end goes, both
 * go.
 */
import { type ClientRequest, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Problem, problemOf } from '@rhizom/protocol'
import { sendProblem } from './answers.ts'
import { answerHeaders, requestHeaders } from './forwarded-headers.ts'
import { forwardUpgrade } from './forward-upgrade.ts'
import { createBodyReader, declaresMoreThan, discard } from './read-body.ts'
import type { ForwardedTarget } from './request-target.ts'

export interface SpreadOptions {
  apiUrls: readonly string[]
  gatewayUrls: readonly string[]
  /** Of a request; a little more than the api takes, so that it is the api that says what is too large. */
  maxBodyBytes: number
  /** Of all bodies that are held at once. */
  maxHeldBytes?: number
}

export interface Spread {
  request(target: ForwardedTarget, incoming: IncomingMessage, response: ServerResponse): Promise<void>
  upgrade(target: ForwardedTarget, incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Whether a request that asks before it sends (Expect: 100-continue) may go on. */
  wants(incoming: IncomingMessage): boolean
}

const CONNECT_TIMEOUT_MS = 3_000
/** Without a byte from the node. A gateway speaks every 20 s on whatever it holds open. */
const SILENCE_MS = { api: 30_000, sync: 75_000 } as const
const RETRY_AFTER_MS = 1_000
const MAX_HELD_BYTES = 64 * 1024 * 1024

export function createSpread(options: SpreadOptions): Spread {
  const { apiUrls, gatewayUrls, maxBodyBytes, maxHeldBytes = MAX_HELD_BYTES } = options
  const readBody = createBodyReader({ maxBytes: maxBodyBytes, maxHeldBytes })
  const wants = (incoming: IncomingMessage): boolean => !declaresMoreThan(incoming, maxBodyBytes)
  let turn = 0

  /** The nodes in the order to try them. */
  function order({ kind }: ForwardedTarget): readonly string[] {
    if (kind === 'api') return apiUrls
    const first = turn++ % Math.max(1, gatewayUrls.length)
    return [...gatewayUrls.slice(first), ...gatewayUrls.slice(0, first)]
  }

  async function request(target: ForwardedTarget, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!wants(incoming)) {
      await discard(incoming)
      return refuse(response, tooLarge(maxBodyBytes))
    }
    const body = await readBody(incoming, response)
    switch (body.status) {
      case 'whole':
        return forwardRequest({ target, incoming, response, body: body.bytes }, order(target))
      case 'too-large':
        return refuse(response, tooLarge(maxBodyBytes))
      case 'no-room':
        return refuse(response, unavailable('too much is on its way here'))
      case 'gone':
        return
      default:
        body satisfies never
    }
  }

  return {
    request,
    wants,
    upgrade: (target, incoming, socket, head) =>
      forwardUpgrade((node) => open(node, target, incoming, 0), socket, head, order(target)),
  }
}

const tooLarge = (bytes: number): Problem => problemOf('too-large', `a body may have ${bytes} bytes here`)
const unavailable = (detail: string): Problem => problemOf('unavailable', detail, { retryAfterMs: RETRY_AFTER_MS })
const refuse = (response: ServerResponse, problem: Problem): void =>
  sendProblem(response, problem, { Connection: 'close' })

/** The two answers that a gateway or a proxy gives for a node: RFC 9110, 15.6.3. */
const badGateway = (problem: Problem): Problem => ({ ...problem, title: 'Bad gateway', status: 502 })

interface Exchange {
  target: ForwardedTarget
  incoming: IncomingMessage
  response: ServerResponse
  body: Buffer
}

function forwardRequest(exchange: Exchange, nodes: readonly string[]): void {
  const { target, incoming, response, body } = exchange
  const [node, ...others] = nodes
  if (response.destroyed) return
  if (node === undefined) return sendProblem(response, badGateway(unavailable('no node answers')))
  const outgoing = open(node, target, incoming, body.length)
  const abort = (): void => void outgoing.destroy()
  response.once('close', abort)
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answerHeaders(answer))
    response.flushHeaders()
    answer.once('error', () => response.destroy())
    answer.pipe(response)
  })
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    response.off('close', abort)
    if (response.headersSent) response.destroy()
    // Only a node that never took the connection is passed over: another may already have acted on the request.
    else if (neverArrived(error)) forwardRequest(exchange, others)
    else sendProblem(response, badGateway(lost(incoming)))
  })
  outgoing.end(body)
}

/** A node that had the request and did not answer may have done what was asked. */
function lost({ method }: IncomingMessage): Problem {
  if (method === 'GET' || method === 'HEAD') return unavailable('the node was lost before it answered')
  return problemOf('outcome-unknown', 'the node was lost before it answered', { retryAfterMs: RETRY_AFTER_MS })
}

class NotTaken extends Error {}

const neverArrived = (error: NodeJS.ErrnoException): boolean =>
  error instanceof NotTaken ||
  ['connect', 'getaddrinfo'].includes(error.syscall ?? '') ||
  // Refused at each address of a name: several errors in one, which has no call.
  error.code === 'ECONNREFUSED'

/** Opens a request to a node; it fails if the node does not take the connection, or falls silent. */
function open(node: string, target: ForwardedTarget, incoming: IncomingMessage, bodyBytes: number): ClientRequest {
  const { hostname, port } = new URL(node)
  const wished = target.kind === 'sync' ? incoming.headers.upgrade : undefined
  const outgoing = openRequest({
    // An address of version 6 stands in brackets in an url, and only there.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: target.pathAndQuery,
    method: incoming.method ?? 'GET',
    headers: {
      ...requestHeaders(incoming),
      // Said for every method: a body whose length is not said would be read as the next request.
      ...(bodyBytes > 0 && { 'content-length': bodyBytes }),
      ...(wished !== undefined && { connection: 'Upgrade', upgrade: wished }),
    },
    agent: false,
  })
  const late = setTimeout(() => outgoing.destroy(new NotTaken('the connection was not taken')), CONNECT_TIMEOUT_MS)
  outgoing.once('socket', (socket) => socket.once('connect', () => clearTimeout(late)))
  outgoing.once('close', () => clearTimeout(late))
  outgoing.setTimeout(SILENCE_MS[target.kind], () => outgoing.destroy(new Error('the node is silent')))
  return outgoing
}
