/** An HTTP connection that is written by bytes; answers come one after the other. */
import { AnswerReader, type HttpAnswer, type HttpRequest, httpRequest } from './http-bytes.ts'
import type { Peer } from '@rhizom/kit/peer.ts'
import { strangerTo } from './strangers.ts'

export class HttpPeer {
  readonly peer: Peer
  readonly answers: HttpAnswer[] = []
  readonly #host: string
  #isHead = false

  private constructor(peer: Peer, url: string) {
    this.peer = peer
    this.#host = new URL(url).host
    const reader = new AnswerReader(
      (answer) => this.answers.push(answer),
      () => this.#isHead,
    )
    peer.listen((chunk) => reader.push(chunk))
  }

  static async open(url: string, from?: string): Promise<HttpPeer> {
    return new HttpPeer(await strangerTo(url, from), url)
  }

  get isClosed(): boolean {
    return this.peer.isClosed
  }

  /** Undefined if the connection was closed without an answer. */
  async ask(request: HttpRequest | Uint8Array, withinMs = 30_000): Promise<HttpAnswer | undefined> {
    this.answers.length = 0
    this.#isHead = !(request instanceof Uint8Array) && request.method === 'HEAD'
    void this.peer.send(request instanceof Uint8Array ? request : httpRequest(this.#host, request))
    await this.peer.until('an answer', () => this.answers.length > 0 || this.isClosed, withinMs)
    return this.answers[0]
  }

  cut(): void {
    this.peer.cut()
  }
}
