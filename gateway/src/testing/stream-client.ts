/** For tests: reads a stream of server-sent events as a stranger's client would, with nothing but HTTP. */
import { request, type IncomingMessage } from 'node:http'
import { parseServerMessage, type ServerFrame } from '@rhizom/protocol'
import { eventually } from '@rhizom/kit/eventually.ts'
import { readEvents, type StreamEvent } from '@rhizom/kit/event-stream.ts'
import { tokenFor } from './test-client.ts'

type Typed<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>

export interface StreamOptions {
  being?: string
  token?: string
  headers?: Record<string, string>
}

export class StreamClient {
  readonly response: IncomingMessage
  readonly events: StreamEvent[] = []
  body = ''
  isEnded = false
  #next = 0

  private constructor(response: IncomingMessage) {
    this.response = response
    readEvents(response, (event) => this.events.push(event))
    response.on('data', (text: string) => (this.body += text))
    response.on('close', () => (this.isEnded = true))
    response.on('error', () => undefined)
  }

  /** Resolves with the answer, be it a stream or not. */
  static async open(url: string, query: string, options: StreamOptions = {}): Promise<StreamClient> {
    const token = options.token ?? (await tokenFor(options.being ?? '@ada'))
    const headers = { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...options.headers }
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${url}/v1/sync/sse${query}`, { headers, agent: false }, resolve).on('error', reject).end()
    })
    return new StreamClient(response)
  }

  get frames(): ServerFrame[] {
    return this.events.flatMap(({ event, data }) =>
      event === undefined
        ? parseServerMessage(data).flatMap((line) => {
            if (!line.ok) throw new Error(`not a frame: ${line.problem} ${data}`)
            return line.value.type === 'ignored' ? [] : [line.value]
          })
        : [],
    )
  }

  /** The next frame of a type; those before it are passed over. */
  async next<Type extends ServerFrame['type']>(type: Type): Promise<Typed<Type>> {
    for (;;) {
      const { frames } = this
      while (this.#next < frames.length) {
        const frame = frames[this.#next++]
        if (frame?.type === type) return frame as Typed<Type>
      }
      const had = this.events.length
      await eventually(`a ${type} comes`, () => this.events.length > had || this.isEnded)
      if (this.isEnded && this.events.length === had) throw new Error(`ended without ${type}: ${this.body.slice(-500)}`)
    }
  }

  /** The whole answer, where it is no stream. */
  async problem(): Promise<unknown> {
    await eventually('the answer is whole', () => this.isEnded)
    return JSON.parse(this.body)
  }

  close(): void {
    this.response.destroy()
  }
}
