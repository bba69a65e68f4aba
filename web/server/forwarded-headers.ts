/**
 * The headers of a request as a proxy passes them on, and of an answer as it gives it back: all that concern the ends.
 */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'

/** Those of one connection, which ends here (RFC 9110, 7.6.1); a body has its length again on the next. */
const OF_ONE_CONNECTION = [
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'expect', 'http2-settings'],
]

const words = (header: string | undefined): string[] =>
  (header ?? '')
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '')

function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const left = new Set([...OF_ONE_CONNECTION, ...words(headers.connection)])
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !left.has(name)))
}

/**
 * The Host stays, which the gateway compares with the Origin. The address of the caller is added to what proxies before
 * this one said, in one line: whoever trusts this proxy counts from the end of it.
 */
export function requestHeaders({ headers, socket }: IncomingMessage): OutgoingHttpHeaders {
  const { 'content-length': _length, ...passed } = endToEnd(headers)
  const before = [headers['x-forwarded-for'] ?? []].flat().filter((line) => line.trim() !== '')
  return { ...passed, 'x-forwarded-for': [...before, socket.remoteAddress ?? 'unknown'].join(', ') }
}

export const answerHeaders = (answer: IncomingMessage): OutgoingHttpHeaders => endToEnd(answer.headers)
