/** What is known of a client when it knocks, read before anything is awaited: uWebSockets.js takes the request back. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import type { UpgradeRequest } from '../gateway.ts'

export const readUpgradeRequest = (res: HttpResponse, req: HttpRequest): UpgradeRequest => ({
  origin: req.getHeader('origin'),
  host: req.getHeader('host'),
  peer: Buffer.from(res.getRemoteAddressAsText()).toString('utf8'),
  forwardedFor: req.getHeader('x-forwarded-for'),
})
