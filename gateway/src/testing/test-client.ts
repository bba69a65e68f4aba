/** For tests: a client that speaks the wire over a real WebSocket and waits for frames instead of sleeping. */
import { randomBytes } from 'node:crypto'
import { type ClientFrameInput, parseServerMessage, type ServerFrame, SESSION_TOKEN } from '@rhizom/protocol'
import { SignJWT } from 'jose'
import { type ClientOptions, WebSocket } from 'ws'

export const TEST_SECRET = randomBytes(32).toString('hex')

export const tokenFor = (being: string, seconds = 3600, secret = TEST_SECRET): Promise<string> =>
  new SignJWT()
    .setProtectedHeader({ alg: SESSION_TOKEN.algorithm })
    .setSubject(being)
    .setIssuer(SESSION_TOKEN.issuer)
    .setAudience(SESSION_TOKEN.audience)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(secret))

type Typed<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>

export class TestClient {
  readonly socket: WebSocket
  readonly frames: ServerFrame[] = []
  readonly messages: string[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly opened: Promise<void>
  #waiters: (() => void)[] = []
  #next = 0

  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/sync`, options)
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('error', reject)
    })
    this.opened.catch(() => undefined)
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
        this.#wake()
      })
    })
    this.socket.on('error', () => undefined)
    this.socket.on('message', (data: Buffer) => {
      this.messages.push(data.toString())
      for (const line of parseServerMessage(data.toString())) {
        if (!line.ok) throw new Error(`not a frame: ${line.problem} ${data.toString()}`)
        if (line.value.type !== 'ignored') this.frames.push(line.value)
      }
      this.#wake()
    })
  }

  /** Opens, says hello and waits for the welcome. */
  static async live(url: string, being: string, options: ClientOptions = {}): Promise<TestClient> {
    const client = new TestClient(url, options)
    await client.opened
    client.send({ type: 'hello', protocol: 1, token: await tokenFor(being) })
    await client.next('welcome')
    return client
  }

  send(...frames: ClientFrameInput[]): void {
    this.socket.send(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  /** The next frame of a type, after the one given last; frames of other types before it are passed over. */
  async next<Type extends ServerFrame['type']>(type: Type, timeoutMs = 10_000): Promise<Typed<Type>> {
    const until = Date.now() + timeoutMs
    for (;;) {
      while (this.#next < this.frames.length) {
        const frame = this.frames[this.#next++]
        if (frame?.type === type) return frame as Typed<Type>
      }
      if (Date.now() > until || this.socket.readyState === WebSocket.CLOSED)
        throw new Error(`no ${type}; got ${JSON.stringify(this.frames).slice(0, 500)}`)
      await this.#more(until - Date.now())
    }
  }

  async subscribed(space: string, position?: { epoch: string; version: number }): Promise<ServerFrame> {
    const resume = position === undefined ? {} : { epoch: position.epoch, after: position.version }
    this.send({ type: 'subscribe', space, ...resume })
    return this.next(position === undefined ? 'snapshot' : 'resumed')
  }

  end(): void {
    this.socket.terminate()
  }

  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, timeoutMs))
      this.#waiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
