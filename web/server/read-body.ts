/**
 * Reads the body of a request that is passed on, whole, so that a slow sender occupies this process and no api, and the
 * next node can be given the same. Bounded each, and all that are held at once together; the bound on time is the
 * server's own (page-server.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface BodyLimits {
  maxBytes: number
  /** Of all bodies that are held for requests under way. */
  maxHeldBytes: number
}

export type Body = { status: 'whole'; bytes: Buffer } | { status: 'too-large' | 'no-room' | 'gone' }
export type ReadBody = (request: IncomingMessage, response: ServerResponse) => Promise<Body>

/** What is still read of a body that was refused, so that the answer is not lost in a reset. */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024

export function createBodyReader({ maxBytes, maxHeldBytes }: BodyLimits): ReadBody {
  let heldBytes = 0

  return async (request, response) => {
    let own = 0
    response.once('close', () => {
      heldBytes -= own
      own = 0
    })
    const chunks: Buffer[] = []
    const outcome = await readTo(request, (chunk) => {
      if (own + chunk.length > maxBytes) return 'too-large'
      if (heldBytes + chunk.length > maxHeldBytes) return 'no-room'
      own += chunk.length
      heldBytes += chunk.length
      chunks.push(chunk)
      return undefined
    })
    if (outcome === 'ended') return { status: 'whole', bytes: Buffer.concat(chunks) }
    heldBytes -= own
    own = 0
    if (outcome !== 'gone') await discard(request)
    return { status: outcome }
  }
}

/** Whether the length that a request declares is over the bound; a body without one is counted as it comes. */
export const declaresMoreThan = (request: IncomingMessage, maxBytes: number): boolean =>
  Number(request.headers['content-length'] ?? 0) > maxBytes

/** Resolves when the rest of a body was thrown away, or more of it than it is worth. */
export async function discard(request: IncomingMessage): Promise<void> {
  let bytes = 0
  await readTo(request, (chunk) => {
    bytes += chunk.length
    return bytes > MAX_DISCARDED_BYTES ? 'enough' : undefined
  })
}

/** Reads until the end, until the peer is gone, or until `take` says why to stop. */
function readTo<Stop extends string>(
  request: IncomingMessage,
  take: (chunk: Buffer) => Stop | undefined,
): Promise<Stop | 'ended' | 'gone'> {
  return new Promise((resolve) => {
    const finish = (outcome: Stop | 'ended' | 'gone'): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      resolve(outcome)
    }
    const onData = (chunk: Buffer): void => {
      const stop = take(chunk)
      if (stop !== undefined) finish(stop)
    }
    const onEnd = (): void => finish('ended')
    const onClose = (): void => finish('gone')
    if (request.readableEnded) finish('ended')
    else if (request.destroyed) finish('gone')
    else request.on('data', onData).once('end', onEnd).once('close', onClose).once('error', onClose)
  })
}
