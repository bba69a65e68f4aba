/**
 * A connection by server-sent events, by the contract alone: what is subscribed to is in the address, so that a
 * subscription is another request, which resumes all the others from where they stand. Opened with nothing it says
 * `welcome`.
 */
import { get, type ClientRequest, type IncomingMessage } from 'node:http'
import { readEvents, type StreamEvent } from '@rhizom/kit/event-stream.ts'
import { parseServerMessage, type ServerFrame } from '@rhizom/protocol'
import type { CarriedConnection, Carrier, ConnectionEvents } from './carrier.ts'
import { Subscriptions } from './subscriptions.ts'

const NO_CLOSE_FRAME = 1006
const ANSWER_WITHIN_MS = 1_500

export const streamCarrier: Carrier = {
  name: 'sse',
  open: (url, token, events) => new StreamConnection(url, token, events),
}

class StreamConnection implements CarriedConnection {
  readonly #url: string
  readonly #token: string
  readonly #events: ConnectionEvents
  readonly #subscriptions = new Subscriptions()
  #request: ClientRequest | undefined
  #response: IncomingMessage | undefined
  #gathering: NodeJS.Immediate | undefined
  #isPaused = false
  #isGreeted = false
  #isOver = false

  constructor(url: string, token: string, events: ConnectionEvents) {
    this.#url = url
    this.#token = token
    this.#events = events
    setImmediate(() => {
      if (!this.#isOver) events.opened()
    })
  }

  get isOpen(): boolean {
    return !this.#isOver
  }

  send(...frames: object[]): void {
    if (this.#subscriptions.take(frames)) this.#gathering ??= setImmediate(() => this.#ask())
  }

  pause(): void {
    this.#isPaused = true
    this.#response?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#response?.resume()
  }

  close(): void {
    this.terminate()
  }

  terminate(): void {
    this.#isOver = true
    clearImmediate(this.#gathering)
    this.#request?.destroy()
  }

  #end(code: number): void {
    if (this.#isOver) return
    this.terminate()
    this.#events.closed(code)
  }

  /** The former stream ends first, so that each resumes from all that it brought. */
  #ask(): void {
    this.#gathering = undefined
    if (this.#isOver) return
    this.#request?.destroy()
    const headers = { authorization: `Bearer ${this.#token}`, accept: 'text/event-stream' }
    const address = `${this.#url}/v1/sync/sse${this.#subscriptions.query()}`
    const request = get(address, { headers, agent: false, timeout: ANSWER_WITHIN_MS }, (response) => {
      request.setTimeout(0)
      this.#follow(response, request)
    })
    this.#request = request
    request.on('timeout', () => request.destroy())
    request.on('error', () => this.#endedOf(request))
    request.on('close', () => this.#endedOf(request))
  }

  #endedOf(request: ClientRequest): void {
    if (request === this.#request) this.#end(NO_CLOSE_FRAME)
  }

  #follow(response: IncomingMessage, request: ClientRequest): void {
    if (response.statusCode !== 200) {
      response.resume()
      return this.#endedOf(request)
    }
    this.#response = response
    if (this.#isPaused) response.pause()
    readEvents(response, (event) => {
      if (request === this.#request) this.#take(event)
    })
    response.on('error', () => this.#endedOf(request))
  }

  #take({ event, data }: StreamEvent): void {
    if (event !== undefined) return this.#end(Number(/"code":(\d+)/.exec(data)?.[1] ?? NO_CLOSE_FRAME))
    for (const line of parseServerMessage(data)) {
      if (!line.ok) this.#events.misunderstood(`${line.problem} ${line.path ?? ''}`)
      else if (line.value.type !== 'ignored') this.#give(line.value)
    }
  }

  /** Each stream greets; whoever is here was greeted by the first. */
  #give(frame: ServerFrame): void {
    if (frame.type === 'welcome' && this.#isGreeted) return
    this.#isGreeted = true
    this.#subscriptions.note(frame)
    this.#events.frame(frame)
  }
}
