/**
 * Stands between a client and its network: notes what passes, and does to it what networks do. It wraps the
 * environment that a client is made with, so that the client itself knows nothing of it, and neither does a page that
 * never asks for it.
 */
import { NO_CLOSE_FRAME } from '@rhizom/protocol'
import type { Environment } from '../runtime/environment.ts'
import type { ClientSocket, SocketHandlers } from '../runtime/websocket.ts'
import { createTimeline, type Timeline } from './timeline.ts'

/** What is done to what passes, until it is set otherwise. */
export interface Faults {
  /** Nothing gets through: sockets end and cannot be opened, requests fail. */
  isCut: boolean
  /** How much later everything arrives, both ways and in order. */
  delayMs: number
  /** The share of frames from the gateway, between 0 and 1, that is lost, and that arrives twice. */
  dropShare: number
  doubleShare: number
}

export const NO_FAULTS: Faults = { isCut: false, delayMs: 0, dropShare: 0, doubleShare: 0 }

export interface Wire {
  /** Make the client with this one. */
  readonly environment: Environment
  readonly timeline: Timeline
  faults(): Faults
  setFaults(faults: Partial<Faults>): void
  /** Ends every socket and stream now, as a network does: without a word. What comes after is as the faults say. */
  cut(): void
  onFaults(listener: () => void): () => void
}

interface Open {
  end(): void
}

/** A wire in front of an environment. */
export function createWire(inner: Environment): Wire {
  const timeline = createTimeline(() => inner.dateMs())
  const listeners = new Set<() => void>()
  const open = new Set<Open>()
  let faults = NO_FAULTS

  let lastDueMs = 0

  /** What was first stays first, also when the delay becomes shorter. */
  function later(run: () => void): void {
    const nowMs = inner.nowMs()
    const dueMs = Math.max(nowMs + faults.delayMs, lastDueMs)
    if (dueMs <= nowMs) return run()
    lastDueMs = dueMs
    inner.after(dueMs - nowMs, run)
  }

  function cut(): void {
    timeline.note({ kind: 'fault', text: 'cut' })
    for (const one of [...open]) one.end()
  }

  const happens = (share: number): boolean => share > 0 && inner.random() < share

  /** The frames of a message as they arrive, if any of them does. */
  function altered(text: string): string {
    const lines = text.split('\n').flatMap((line) => {
      if (happens(faults.dropShare)) {
        timeline.note({ kind: 'fault', text: `dropped ${line}` })
        return []
      }
      if (!happens(faults.doubleShare)) return [line]
      timeline.note({ kind: 'fault', text: `doubled ${line}` })
      return [line, line]
    })
    return lines.join('\n')
  }

  function openSocket(url: string, handlers: SocketHandlers): ClientSocket {
    let isOver = false
    const self: Open = {
      end() {
        socket.close()
        lose()
      },
    }
    function lose(): void {
      if (isOver) return
      finish()
      timeline.note({ kind: 'socket', text: `closed ${NO_CLOSE_FRAME}` })
      handlers.onClose(NO_CLOSE_FRAME, '')
    }
    function finish(): void {
      isOver = true
      open.delete(self)
    }
    const unlessOver = (run: () => void) => (): void => {
      if (!isOver) run()
    }
    timeline.note({ kind: 'socket', text: `opening ${url}` })
    if (faults.isCut) {
      // Not before whoever opens it holds it.
      queueMicrotask(lose)
      return { send: () => undefined, close: finish }
    }
    const socket = inner.openSocket(url, {
      onOpen() {
        timeline.note({ kind: 'socket', text: 'opened' })
        later(unlessOver(() => handlers.onOpen()))
      },
      onText(text) {
        const arriving = altered(text)
        if (arriving === '') return
        timeline.noteFrames('in', arriving)
        later(unlessOver(() => handlers.onText(arriving)))
      },
      onClose(code, reason) {
        timeline.note({ kind: 'socket', text: `closed ${code} ${reason}`.trim() })
        later(
          unlessOver(() => {
            finish()
            handlers.onClose(code, reason)
          }),
        )
      },
    })
    open.add(self)
    return {
      send(text) {
        timeline.noteFrames('out', text)
        later(unlessOver(() => socket.send(text)))
      },
      close() {
        if (!isOver) timeline.note({ kind: 'socket', text: 'closed by the client' })
        finish()
        socket.close()
      },
    }
  }

  const waited = (): Promise<void> => new Promise((resolve) => later(resolve))

  async function fetch(url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url, 'http://localhost')
    const name = `${init.method ?? 'GET'} ${pathname}`
    const breaking = new AbortController()
    const self: Open = { end: () => breaking.abort(new TypeError('the network is cut')) }
    timeline.note({ kind: 'request', text: name })
    await waited()
    if (faults.isCut) {
      timeline.note({ kind: 'request', text: `${name} failed` })
      throw new TypeError('the network is cut')
    }
    open.add(self)
    const signal = init.signal ? AbortSignal.any([init.signal, breaking.signal]) : breaking.signal
    try {
      const response = await inner.fetch(url, { ...init, signal })
      timeline.note({ kind: 'request', text: `${name} ${response.status}` })
      await waited()
      // A stream goes on after its head: what cuts it has to find it.
      if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) open.delete(self)
      return response
    } catch (error) {
      open.delete(self)
      timeline.note({ kind: 'request', text: `${name} failed` })
      throw error
    }
  }

  return {
    environment: { ...inner, openSocket, fetch },
    timeline,
    faults: () => faults,
    setFaults(changed) {
      faults = { ...faults, ...changed }
      timeline.note({ kind: 'fault', text: JSON.stringify(changed) })
      if (changed.isCut === true) cut()
      for (const listener of [...listeners]) listener()
    },
    cut,
    onFaults(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
