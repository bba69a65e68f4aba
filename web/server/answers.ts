/** The short answers of the page's port itself: a line of text, or a problem document where a program asked. */
import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Problem } from '@rhizom/protocol'
import { PAGE_HEADERS } from './page-headers.ts'

type Headers = Readonly<Record<string, string>>

export function sendText(response: ServerResponse, status: number, text: string, headers: Headers = {}): void {
  send(response, status, `${text}\n`, { 'Content-Type': 'text/plain; charset=utf-8', ...headers })
}

export function sendProblem(response: ServerResponse, problem: Problem, headers: Headers = {}): void {
  const wait = problem.retryAfterMs
  send(response, problem.status, JSON.stringify(problem), {
    'Content-Type': 'application/problem+json; charset=utf-8',
    ...(wait !== undefined && { 'Retry-After': String(Math.ceil(wait / 1_000)) }),
    ...headers,
  })
}

function send(response: ServerResponse, status: number, body: string, headers: Headers): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'Cache-Control': 'no-store', ...headers, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

const LINGER_MS = 1_000

/** For a connection that carries no request that could be answered in the usual way; it ends with it. */
export function endWithStatus(socket: Duplex, status: number): void {
  // Already answered: more of what was not understood has come meanwhile.
  if (socket.destroyed || socket.writableEnded) return
  const body = `${STATUS_CODES[status] ?? 'Refused'}\n`
  const headers = {
    ...PAGE_HEADERS,
    Connection: 'close',
    'Cache-Control': 'no-store',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  }
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${body.trim()}\r\n${head.join('')}\r\n${body}`)
  // Closing with bytes unread would destroy the answer on its way; a peer that goes on sending gets a moment.
  socket.resume()
  const linger = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(linger))
}
