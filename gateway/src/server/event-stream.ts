/**
 * `GET /v1/sync/sse`: a connection carried by server-sent events, for those whom a proxy gives no WebSocket. It is a
 * `ClientSocket` like one of uWebSockets.js, over an HTTP response; the connection behind it does not know.
 *
 * A response has no view of what lies unsent, so it is kept here: written in slices, the next when the last has gone.
 */
import { STATUS_CODES } from 'node:http'
import type { Cancel, Clock } from '@rhizom/machine'
import { CLOSE, type Problem, problemOf } from '@rhizom/protocol'
import type { HttpResponse } from 'uWebSockets.js'
import { closeEvent, eventsOf, problemOfClose } from '../core/connection/event-stream.ts'
import type { SendOutcome } from '../core/connection/send-budget.ts'
import type { ClientSocket } from '../ports.ts'

export interface StreamSettings {
  /** Bytes beyond which nothing is taken. Never reached while the send budget works. */
  maxUnsentBytes: number
  /** How long nothing may be taken by a peer that is sent to, before it counts as dead. */
  stallMs: number
  /** How often a client is asked to come back, since a stream has no pings that show that its reader lives. */
  maxAgeMs: number
}

export interface StreamDeps {
  clock: Clock
  settings: StreamSettings
  /** Headers of every answer: what a page of another origin may read. */
  headers: readonly (readonly [string, string])[]
  /** Runs what uWebSockets.js calls back behind the wall. */
  guarded(run: () => void): void
  /** The stream is over, whoever ended it. Told once. */
  ended(): void
  /** There is room again. */
  writable(): void
}

const SLICE_BYTES = 16 * 1024
/** Some proxies hold back the first kilobytes of an answer; a comment costs nothing and passes them. */
const PADDING = `:${' '.repeat(2048)}\n\n`
const WELCOME = '{"type":"welcome"'
const COME_BACK = '{"type":"goodbye","reason":"come back","reconnectAfterMs":0}'
/** Events of messages that go to many, made once for all of them. */
const madeEvents = new WeakMap<Uint8Array, Buffer>()

function encodeEvents(message: string | Uint8Array): Buffer {
  if (typeof message === 'string') return Buffer.from(eventsOf(message))
  const made = madeEvents.get(message)
  if (made !== undefined) return made
  const events = Buffer.from(eventsOf(Buffer.from(message.buffer, message.byteOffset, message.length).toString()))
  madeEvents.set(message, events)
  return events
}

type Stream =
  /** Nothing is answered yet: until it is known who asks, the answer may be a problem. */
  | { status: 'asked'; complaint: string | undefined }
  | { status: 'open'; cancelAge: Cancel }
  /** The last bytes go, and then it ends. */
  | { status: 'ending'; cancelCut: Cancel }
  | { status: 'gone' }

export class EventStreamSocket implements ClientSocket {
  readonly #res: HttpResponse
  readonly #deps: StreamDeps
  #stream: Stream = { status: 'asked', complaint: undefined }
  #queue: Buffer[] = []
  #queuedBytes = 0
  /** What was written last and has not gone yet, and since when. */
  #stuck: { bytes: number; sinceMs: number } | undefined

  constructor(res: HttpResponse, deps: StreamDeps) {
    this.#res = res
    this.#deps = deps
    res.onAborted(() => deps.guarded(() => this.#end()))
    res.onWritable(() => {
      deps.guarded(() => this.#writable())
      return true
    })
  }

  send(message: string | Uint8Array): SendOutcome {
    if (this.#stream.status === 'asked' && !this.#begins(message)) return 'sent'
    if (this.#stream.status !== 'open') return 'dropped'
    const stuckSinceMs = this.#stuck?.sinceMs ?? this.#deps.clock.nowMs()
    if (this.#deps.clock.nowMs() - stuckSinceMs > this.#deps.settings.stallMs) {
      this.cut()
      return 'dropped'
    }
    const events = encodeEvents(message)
    if (this.unsentBytes() > this.#deps.settings.maxUnsentBytes) return 'dropped'
    this.#enqueue(events)
    this.#flush()
    return this.unsentBytes() === 0 ? 'sent' : 'queued'
  }

  unsentBytes(): number {
    return this.#queuedBytes + (this.#stuck?.bytes ?? 0)
  }

  /** Says why behind what is unsent; before anything was answered, by the answer. */
  close(code: number, reason: string): void {
    switch (this.#stream.status) {
      case 'asked': {
        const detail = this.#stream.complaint ?? reason
        this.#stream = { status: 'gone' }
        answerProblem(this.#res, problemOf(problemOfClose(code), detail), this.#deps.headers)
        this.#deps.ended()
        return
      }
      case 'open':
        this.#stream.cancelAge()
        // Who did not read before will not read this.
        if (this.#stuck !== undefined) return this.cut()
        this.#enqueue(Buffer.from(closeEvent(code, reason)))
        this.#stream = {
          status: 'ending',
          cancelCut: this.#deps.clock.after(this.#deps.settings.stallMs, () => this.cut()),
        }
        this.#flush()
        return
      case 'ending':
      case 'gone':
        return
      default:
        this.#stream satisfies never
    }
  }

  /** True for the frame that opens the stream. What comes before it says what is wrong. */
  #begins(message: string | Uint8Array): boolean {
    const text = typeof message === 'string' ? message : Buffer.from(message).toString()
    if (!text.startsWith(WELCOME)) {
      this.#stream = { status: 'asked', complaint: messageOf(text) }
      return false
    }
    const { clock, settings, headers } = this.#deps
    this.#stream = { status: 'open', cancelAge: clock.after(settings.maxAgeMs, () => this.#askBack()) }
    this.#res.cork(() => {
      this.#res.writeStatus('200 OK')
      for (const [name, value] of headers) this.#res.writeHeader(name, value)
      this.#res
        .writeHeader('content-type', 'text/event-stream; charset=utf-8')
        .writeHeader('cache-control', 'no-store, no-transform')
        // nginx and what understands its word hold nothing back then.
        .writeHeader('x-accel-buffering', 'no')
    })
    this.#enqueue(Buffer.from(PADDING))
    return true
  }

  #askBack(): void {
    if (this.#stream.status !== 'open') return
    this.send(COME_BACK)
    this.close(CLOSE.draining.code, 'come back')
  }

  #enqueue(bytes: Buffer): void {
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
  }

  #writable(): void {
    this.#stuck = undefined
    this.#flush()
    if (this.#stuck === undefined && this.#stream.status === 'open') this.#deps.writable()
  }

  #flush(): void {
    if (this.#stuck !== undefined || this.#stream.status === 'gone') return
    this.#res.cork(() => {
      while (this.#stuck === undefined) {
        const slice = this.#nextSlice()
        if (slice === undefined) break
        if (!this.#res.write(slice)) this.#stuck = { bytes: slice.length, sinceMs: this.#deps.clock.nowMs() }
      }
    })
    if (this.#stream.status === 'ending' && this.unsentBytes() === 0) {
      this.#res.cork(() => this.#res.end('', true))
      this.#end()
    }
  }

  /** Small ones together: a write costs about the same whatever its size. */
  #nextSlice(): Buffer | undefined {
    const [first] = this.#queue
    if (first === undefined) return undefined
    if (first.length > SLICE_BYTES) {
      this.#queue[0] = first.subarray(SLICE_BYTES)
      this.#queuedBytes -= SLICE_BYTES
      return first.subarray(0, SLICE_BYTES)
    }
    this.#queue.shift()
    this.#queuedBytes -= first.length
    return first
  }

  cut(): void {
    if (this.#stream.status === 'gone') return
    this.#end()
    this.#res.close()
  }

  #end(): void {
    if (this.#stream.status === 'gone') return
    if (this.#stream.status === 'open') this.#stream.cancelAge()
    if (this.#stream.status === 'ending') this.#stream.cancelCut()
    this.#stream = { status: 'gone' }
    this.#queue = []
    this.#queuedBytes = 0
    this.#stuck = undefined
    this.#deps.ended()
  }
}

function messageOf(frame: string): string | undefined {
  const parsed: unknown = JSON.parse(frame)
  return typeof parsed === 'object' && parsed !== null && 'message' in parsed && typeof parsed.message === 'string'
    ? parsed.message
    : undefined
}

const RETRY_AFTER_SECONDS = '1'

/** Answers with a problem document and closes the connection, which a stranger may not keep. */
export function answerProblem(
  res: HttpResponse,
  problem: Problem,
  headers: readonly (readonly [string, string])[],
): void {
  res.cork(() => {
    res.writeStatus(`${problem.status} ${STATUS_CODES[problem.status] ?? problem.title}`)
    for (const [name, value] of headers) res.writeHeader(name, value)
    if (problem.status === 503 || problem.status === 429) res.writeHeader('retry-after', RETRY_AFTER_SECONDS)
    res.writeHeader('content-type', 'application/problem+json').writeHeader('cache-control', 'no-store')
    res.end(JSON.stringify(problem), true)
  })
}
