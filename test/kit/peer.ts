/**
 * One TCP connection by bytes, as somebody who keeps to no protocol opens it: whatever is sent goes out as it is, and
 * what comes back is kept as it came, up to a bound.
 */
import { connect, type Socket } from 'node:net'

const CONNECT_WITHIN_MS = 30_000
const ANSWER_WITHIN_MS = 60_000
const KEPT_BYTES = 8 * 1024 * 1024

export interface PeerOptions {
  /** A loopback address of the caller's choice. */
  from?: string | undefined
  /** Whether it stays open when its other end has said all. */
  stays?: boolean
}

export type Listener = (chunk: Buffer) => void

export class Peer {
  readonly socket: Socket
  /** Bytes that came. */
  size = 0
  /** Whether the other end has ended or cut the connection. */
  isClosed = false
  /** Resolves when nothing of the connection is left. */
  readonly closed: Promise<void>
  readonly #chunks: Buffer[] = []
  readonly #waiting = new Set<() => void>()
  #listener: Listener | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      if (this.size < KEPT_BYTES && this.#listener === undefined) this.#chunks.push(chunk)
      this.size += chunk.length
      this.#listener?.(chunk)
      this.#look()
    })
    // Why does not matter: the other end is gone.
    for (const event of ['end', 'close', 'error']) socket.on(event, () => this.#ended())
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  /** Resolves when it is connected; rejects where nobody listens. */
  static open(url: string, { from, stays = false }: PeerOptions = {}): Promise<Peer> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const localAddress = from === undefined ? {} : { localAddress: from }
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: stays, ...localAddress })
      const refuse = (why: Error): void => {
        socket.destroy()
        reject(why)
      }
      socket.setTimeout(CONNECT_WITHIN_MS, () => refuse(new Error(`${url} does not accept a connection`)))
      socket.once('error', refuse)
      socket.once('connect', () => {
        socket.setTimeout(0)
        socket.off('error', refuse)
        resolve(new Peer(socket))
      })
    })
  }

  static openMany(url: string, count: number, options?: PeerOptions): Promise<Peer[]> {
    return Promise.all(Array.from({ length: count }, () => Peer.open(url, options)))
  }

  /** Is told all that comes from now on, and first what came already. */
  listen(listener: Listener): void {
    this.#listener = listener
    for (const chunk of this.#chunks.splice(0)) listener(chunk)
  }

  /** Resolves when the system has taken the bytes, or the connection is gone. */
  send(bytes: string | Uint8Array): Promise<void> {
    if (this.isClosed || !this.socket.writable) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('close', done)
        resolve()
      }
      this.socket.once('close', done)
      this.socket.write(bytes, done)
    })
  }

  /** Reads nothing more, so that the other end cannot get rid of what it sends. */
  stopReading(): void {
    this.socket.pause()
  }

  readAgain(): void {
    this.socket.resume()
  }

  /** What came so far, if nobody listens. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }

  /** The status of the first answer of HTTP; undefined if none has come. */
  get status(): number | undefined {
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(this.text)?.[1]
    return status === undefined ? undefined : Number(status)
  }

  /** The body of the first answer, as it should be: JSON. */
  get body(): unknown {
    const json: unknown = JSON.parse(this.text.slice(this.text.indexOf('\r\n\r\n') + 4))
    return json
  }

  /** Waits for the head of an answer. */
  async answered(): Promise<number> {
    await this.until('an answer or an end', () => this.status !== undefined || this.isClosed, ANSWER_WITHIN_MS)
    if (this.status === undefined) throw new Error('closed without an answer')
    return this.status
  }

  /** Resolves when the condition holds, asked after all that comes and when the connection ends. */
  until(what: string, condition: () => boolean, withinMs: number): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        reject(new Error(`not within ${withinMs} ms: ${what}`))
      }, withinMs)
      this.#waiting.add(look)
    })
  }

  hasClosed(withinMs: number): Promise<void> {
    return this.until('the other end closes the connection', () => this.isClosed, withinMs)
  }

  /** Without a word. */
  cut(): void {
    this.socket.destroy()
    this.#ended()
  }

  #ended(): void {
    this.isClosed = true
    this.#look()
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }
}
