/**
 * What others may keep of an answer. Tokens and secrets, what gateways and operators are told, and problems, which may
 * be of the moment: nothing. The rest is for one caller alone, and asked for again each time; with an ETag the answer
 * to that is short.
 */
import type { HttpApp } from './route.ts'

export function sayWhatMayBeKept(app: HttpApp): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    const kept = cacheControlOf(request.method, request.url, reply.statusCode)
    if (kept !== undefined) reply.header('cache-control', kept)
    done()
  })
}

export function cacheControlOf(method: string, url: string, status: number): string | undefined {
  if (status >= 400 || url.startsWith('/internal/') || url.startsWith('/operator/')) return 'no-store'
  if (!url.startsWith('/v1/')) return undefined
  const holdsSecret = method === 'POST' && (url.startsWith('/v1/sessions') || /^\/v1\/spaces\/[^/]+\/invites/.test(url))
  return holdsSecret ? 'no-store' : 'private, no-cache'
}
