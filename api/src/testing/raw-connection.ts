/** A connection on which a test says what no HTTP client would, or nothing. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { connect, type Socket } from 'node:net'

export interface RawOptions {
  /** A loopback address of the caller's choice. */
  from?: string
  /** Whether it stays open when its peer has said all. */
  stays?: boolean
}

export class RawConnection {
  readonly socket: Socket
  #received = ''
  #closed = false
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (data) => (this.#received += data.toString('latin1')))
    // A reset is one way of being closed.
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#closed = true
        resolve()
      })
    })
  }

  static open(url: string, { from, stays = false }: RawOptions = {}): Promise<RawConnection> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const localAddress = from === undefined ? {} : { localAddress: from }
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: stays, ...localAddress })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawConnection(socket))
      })
    })
  }

  static openMany(url: string, count: number, options?: RawOptions): Promise<RawConnection[]> {
    return Promise.all(Array.from({ length: count }, () => RawConnection.open(url, options)))
  }

  get received(): string {
    return this.#received
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** The status of the first answer; undefined if none has come. */
  get status(): number | undefined {
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(this.#received)?.[1]
    return status === undefined ? undefined : Number(status)
  }

  /** The body of the first answer, as it should be: JSON. */
  get body(): unknown {
    const json: unknown = JSON.parse(this.#received.slice(this.#received.indexOf('\r\n\r\n') + 4))
    return json
  }

  send(text: string): void {
    this.socket.write(text)
  }

  /** Waits for the head of an answer. */
  async answered(): Promise<number> {
    await eventually('an answer or an end', () => this.status !== undefined || this.#closed)
    if (this.status === undefined) throw new Error('closed without an answer')
    return this.status
  }
}

/** The head of a request with a body of `length` bytes. */
export const headOf = (path: string, length: number, headers: Record<string, string> = {}): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: test',
    'Content-Type: application/json',
    `Content-Length: ${length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n')
