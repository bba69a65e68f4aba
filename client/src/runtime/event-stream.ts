/**
 * Server-sent events as a transport. A stream is asked for with all that is watched, and asked for anew whenever that
 * changes; the former one goes on until the next has begun, so that nothing is missed. Loaded when it is needed.
 */
import { type ClientFrameInput, NO_CLOSE_FRAME, type Position, type SpaceId } from '@rhizom/protocol'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { Environment } from './environment.ts'
import { isNetworkError, refusalOf, sendSignal } from './requests.ts'
import type { OpenTransport } from './transport-socket.ts'

export interface EventStreamDeps {
  environment: Environment
  /** As `https://host/v1/sync/sse`. */
  url: string
  /** Where signals are sent. */
  apiUrl: string
}

interface Subscription {
  position: Position | undefined
  present: boolean
}

/** What is asked for within this is asked for together. */
const GATHER_MS = 10

export function eventStreamTransport({ environment, url, apiUrl }: EventStreamDeps): OpenTransport {
  return (handlers) => {
    const watched = new Map<SpaceId, Subscription>()
    let followsNews = false
    let token = ''
    let current: AbortController | undefined
    let opening: AbortController | undefined
    let cancelGather: (() => void) | undefined
    let isOver = false

    function stop(): void {
      if (isOver) return
      isOver = true
      cancelGather?.()
      current?.abort()
      opening?.abort()
      releasePlace?.()
    }

    function end(code: number, reason: string): void {
      if (isOver) return
      stop()
      handlers.onClose(code, reason)
    }

    function reopenSoon(): void {
      cancelGather ??= environment.after(GATHER_MS, () => {
        cancelGather = undefined
        opening?.abort()
        opening = new AbortController()
        void follow(opening)
      })
    }

    async function follow(stream: AbortController): Promise<void> {
      const { signal } = stream
      try {
        const response = await environment.fetch(`${url}${queryOf(watched, followsNews)}`, {
          headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
          cache: 'no-store',
          signal,
        })
        if (!response.ok || !isEventStream(response)) {
          const { closeCode, message, retryAfterMs } = await refusalOf(response)
          if (signal.aborted) return
          if (retryAfterMs !== undefined) handlers.onText(delayLine(message, retryAfterMs))
          return end(closeCode, message)
        }
        await read(response, stream)
      } catch (error) {
        if (!signal.aborted && !isNetworkError(error)) environment.report('a stream failed', error)
      }
      if (!signal.aborted && (stream === current || stream === opening)) end(NO_CLOSE_FRAME, '')
    }

    async function read(response: Response, stream: AbortController): Promise<void> {
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      if (reader === undefined) return
      const parser = createParser({ onEvent: (event) => received(event, stream) })
      for (;;) {
        const { done, value } = await reader.read()
        if (done || stream.signal.aborted) return
        parser.feed(value)
      }
    }

    function received(event: EventSourceMessage, stream: AbortController): void {
      if (isOver || stream.signal.aborted) return
      if (stream === opening) {
        current?.abort()
        current = stream
        opening = undefined
      }
      const parsed: unknown = JSON.parse(event.data)
      if (event.event === 'close')
        return end(numberAt(parsed, 'code') ?? NO_CLOSE_FRAME, stringAt(parsed, 'reason') ?? '')
      const [epoch, version] = event.id?.split(':') ?? []
      const subscription = watched.get(stringAt(parsed, 'space') ?? '')
      if (subscription !== undefined && epoch !== undefined && version !== undefined)
        subscription.position = { epoch, version: Number(version) }
      handlers.onText(event.data)
    }

    function take(frame: ClientFrameInput): void {
      switch (frame.type) {
        case 'hello':
        case 'refresh':
          token = frame.token
          return reopenSoon()
        case 'subscribe': {
          const { space, epoch, after, present = true } = frame
          const position = epoch === undefined || after === undefined ? undefined : { epoch, version: after }
          watched.set(space, { position, present })
          return reopenSoon()
        }
        case 'unsubscribe':
          if (watched.delete(frame.space)) reopenSoon()
          return
        case 'ping':
          // A stream cannot be asked whether it lives; another one answers.
          return reopenSoon()
        case 'signal': {
          sendSignal({ environment, apiUrl, token }, frame)
          return
        }
        case 'follow':
          followsNews = true
          return reopenSoon()
        case 'work':
        case 'presence':
          // Who is here by a stream has no state, and is told of no work: nothing carries it.
          return
        default:
          frame satisfies never
      }
    }

    let releasePlace: (() => void) | undefined
    environment.takeStreamPlace().then(
      (release) => {
        if (release === undefined) return end(NO_CLOSE_FRAME, 'no more streams')
        if (isOver) return release()
        releasePlace = release
        handlers.onOpen()
      },
      () => end(NO_CLOSE_FRAME, ''),
    )
    return { send: (frames) => frames.forEach(take), close: stop }
  }
}

function queryOf(watched: ReadonlyMap<SpaceId, Subscription>, followsNews: boolean): string {
  const query = new URLSearchParams(followsNews ? { follow: '1' } : {})
  for (const [space, { position, present }] of watched) {
    query.append('space', space)
    if (position !== undefined) {
      query.append('epoch', position.epoch)
      query.append('after', String(position.version))
    }
    if (!present) query.append('present', 'false')
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

/** What something in between answers in our place is no stream, whatever its status. */
const isEventStream = (response: Response): boolean =>
  (response.headers.get('content-type') ?? '').startsWith('text/event-stream')

const delayLine = (message: string, retryAfterMs: number): string =>
  JSON.stringify({ type: 'error', code: 'unavailable', message, retryAfterMs })

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
const stringAt = (value: unknown, name: string): string | undefined => {
  const field = fieldOf(value, name)
  return typeof field === 'string' ? field : undefined
}
const numberAt = (value: unknown, name: string): number | undefined => {
  const field = fieldOf(value, name)
  return typeof field === 'number' ? field : undefined
}
