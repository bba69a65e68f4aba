/**
 * A client that costs little: requests prepared as bytes go over kept connections, one at a time on each, and of an
 * answer the status and the length are read. So what is measured beside it on the same cores is the server.
 */
import { connect, type Socket } from 'node:net'

const HEAD_END = '\r\n\r\n'

export interface Posting {
  token: string
  body: string
}

/** One kept connection. */
export class HttpConnection {
  readonly #socket: Socket
  readonly #host: string
  #received = ''
  #answered: PromiseWithResolvers<string> | undefined

  constructor(url: URL) {
    this.#host = url.host
    this.#socket = connect(Number(url.port), url.hostname)
    this.#socket.setNoDelay(true)
    // Lengths are counted in bytes, and so is what came.
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (data) => this.#take(data.toString()))
    this.#socket.on('error', (error) => this.#answered?.reject(error))
    this.#socket.on('close', () => this.#answered?.reject(new Error('the api closed a connection')))
  }

  /** Resolves with the body of the answer, which must be a 200. */
  post(path: string, { token, body }: Posting): Promise<string> {
    this.#answered = Promise.withResolvers<string>()
    this.#socket.write(
      `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nauthorization: Bearer ${token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    return this.#answered.promise
  }

  close(): void {
    this.#answered = undefined
    this.#socket.destroy()
  }

  #take(data: string): void {
    this.#received += data
    const headEnd = this.#received.indexOf(HEAD_END)
    if (headEnd < 0) return
    const head = this.#received.slice(0, headEnd)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
    const end = headEnd + HEAD_END.length + length
    if (this.#received.length < end) return
    const body = this.#received.slice(headEnd + HEAD_END.length, end)
    this.#received = this.#received.slice(end)
    const answered = this.#answered
    this.#answered = undefined
    if (head.startsWith('HTTP/1.1 200 ')) answered?.resolve(body)
    else answered?.reject(new Error(`the api answered ${head.slice(9, 12)} ${body}`))
  }
}
