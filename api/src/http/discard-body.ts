/**
 * Reads a request body that was refused to its end, and throws it away. Answering while the peer still sends would
 * close a connection with unread bytes in it, and the reset that follows destroys the answer on its way: the caller
 * would see a broken pipe where the contract promises 413. Bounded in bytes and time, so that a peer that never ends
 * costs seconds and no more, and in number, so that many of them cost a node little: who comes beyond that is not read.
 */
import type { IncomingMessage } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { Shares } from './shares.ts'

const MAX_BYTES = 32 * 1024 * 1024
const MAX_MS = 5000
const AT_ONCE = { all: 64, perAddress: 16, perActor: 16 }

export class BodyDiscards {
  readonly #shares = new Shares(AT_ONCE)

  /** Resolves when the body is over, gone, or more than it is worth. */
  async discard(request: IncomingMessage, address: string): Promise<void> {
    // What came with the head is there a moment later, read by nobody.
    if (!isOver(request)) await setImmediate()
    if (isOver(request)) return
    const holder = { address, actor: undefined }
    if (this.#shares.take(holder, 1) !== undefined) return
    try {
      await readToEnd(request)
    } finally {
      this.#shares.give(holder, 1)
    }
  }
}

const isOver = (request: IncomingMessage): boolean => request.complete || request.destroyed

function readToEnd(request: IncomingMessage): Promise<void> {
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
