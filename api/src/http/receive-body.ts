/**
 * Receives the body of a request as text, within the bound of its route and of what a node holds of bodies. A request
 * is not under way before its body is there: until then it costs its connection and the bytes that came.
 */
import type { IncomingMessage } from 'node:http'
import { ProblemError } from './problem-reply.ts'

export interface Body {
  text: string
  bytes: number
}

/** `hold` is told of bytes as they come, and throws to refuse them. */
export function receiveBody(raw: IncomingMessage, limit: number, hold: (bytes: number) => void): Promise<Body> {
  if (raw.destroyed) return Promise.reject(endedEarly())
  if (Number(raw.headers['content-length']) > limit) return Promise.reject(tooLarge(limit))
  const { promise, resolve, reject } = Promise.withResolvers<Body>()
  const chunks: Buffer[] = []
  let bytes = 0

  const take = (chunk: Buffer): void => {
    bytes += chunk.length
    try {
      if (bytes > limit) throw tooLarge(limit)
      hold(chunk.length)
    } catch (error) {
      stop()
      reject(error)
      return
    }
    chunks.push(chunk)
  }
  const finish = (): void => {
    stop()
    resolve({ text: Buffer.concat(chunks, bytes).toString('utf8'), bytes })
  }
  const fail = (): void => {
    stop()
    reject(endedEarly())
  }
  const stop = (): void => {
    raw.off('data', take).off('end', finish).off('error', fail).off('close', fail)
  }
  raw.on('data', take).on('end', finish).on('error', fail).on('close', fail)
  return promise
}

const tooLarge = (limit: number): ProblemError => new ProblemError('too-large', `more than ${limit} bytes`)
const endedEarly = (): ProblemError => new ProblemError('malformed', 'the body ended early')
