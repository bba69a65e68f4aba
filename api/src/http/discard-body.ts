/**
 * Reads a request body that was refused to its end, and throws it away. Answering while the peer still sends would
 * close a connection with unread bytes in it, and the reset that follows destroys the answer on its way: the caller would see a broken
 * pipe where the contract promises 413. Bounded, so that a peer that never ends costs seconds and no more.
 */
import type { IncomingMessage } from 'node:http'

const MAX_BYTES = 64 * 1024 * 1024
const MAX_MS = 5000

/** Resolves when the body is over, gone, or more than it is worth. */
export function discardBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    let bytes = 0
    const timer = setTimeout(done, MAX_MS)
    const count = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > MAX_BYTES) done()
    }
    function done(): void {
      clearTimeout(timer)
      request.off('data', count)
      for (const event of ['end', 'close', 'error']) request.off(event, done)
      resolve()
    }
    request.on('data', count)
    for (const event of ['end', 'close', 'error']) request.on(event, done)
    request.resume()
  })
}
