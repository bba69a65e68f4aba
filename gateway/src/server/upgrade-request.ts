/** What is known of a client when it knocks, read before anything is awaited: uWebSockets.js takes the request back. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import type { UpgradeRequest } from '../gateway.ts'

export function readUpgradeRequest(res: HttpResponse, req: HttpRequest): UpgradeRequest {
  // A proxy may say what it saw in a line of its own, and getHeader gives the first line, which is the client's.
  const lines: string[] = []
  req.forEach((name, value) => {
    if (name === 'x-forwarded-for') lines.push(value)
  })
  return {
    origin: req.getHeader('origin'),
    host: req.getHeader('host'),
    peer: Buffer.from(res.getRemoteAddressAsText()).toString('utf8'),
    forwardedFor: lines.join(','),
  }
}
