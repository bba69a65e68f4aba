/** Answers to requests that are over with them, at once or when they are there. */
import { problemOf } from '@rhizom/protocol'
import type { HttpResponse } from 'uWebSockets.js'

export interface HttpAnswer {
  status: string
  type: string
  body: string
}

/** Without Redis a gateway still serves, a second later: who decides about traffic asks `/readyz?exclude=redis`. */
export function readiness(parts: Readonly<Record<string, boolean>>, excluded: readonly string[]): HttpAnswer {
  const isReady = Object.entries(parts).every(([name, answers]) => answers || excluded.includes(name))
  const status = isReady ? '200 OK' : '503 Service Unavailable'
  return { status, type: 'application/json', body: JSON.stringify({ status: isReady ? 'ready' : 'not-ready', parts }) }
}

export function answer(res: HttpResponse, status: string, type: string, body: string): void {
  res.writeStatus(status).writeHeader('content-type', type).end(body)
}

/** Answers when the reply is there, unless the asker is gone by then. */
export function later(res: HttpResponse, reply: Promise<HttpAnswer>, failed: (error: unknown) => void): void {
  let isGone = false
  res.onAborted(() => {
    isGone = true
  })
  const end = ({ status, type, body }: HttpAnswer): void => {
    if (!isGone) res.cork(() => answer(res, status, type, body))
  }
  reply.then(end).catch((error: unknown) => {
    failed(error)
    const body = JSON.stringify(problemOf('internal', 'something went wrong here'))
    end({ status: '500 Internal Server Error', type: 'application/problem+json', body })
  })
}

export const UP = '{"status":"up"}'

export function nothingHere(res: HttpResponse, detail: string): void {
  answer(res, '404 Not Found', 'application/problem+json', JSON.stringify(problemOf('not-found', detail)))
}
