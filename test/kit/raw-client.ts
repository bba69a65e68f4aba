/**
 * One WebSocket to a gateway (raw-socket.ts) that keeps what came, in order, and lets a test wait for it. It judges
 * nothing beyond what the contract knows.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerFrame } from '@rhizom/protocol'
import type { WebSocket } from 'ws'
import { RawSocket, type RawSocketOptions } from './raw-socket.ts'

type Frame<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>

export class RawClient {
  readonly frames: ServerFrame[] = []
  /** Raw lines, as they came. */
  readonly lines: string[] = []
  closed: { code: number; reason: string } | undefined
  readonly #raw: RawSocket
  #wake: (() => void)[] = []
  #given = 0
  #wasOpen = false

  constructor(gateway: string, options: RawSocketOptions = {}) {
    const events = {
      opened: () => {
        this.#wasOpen = true
        this.#notify()
      },
      message: (text: string) => {
        this.lines.push(...text.split('\n'))
        this.#notify()
      },
      frame: (frame: ServerFrame) => void this.frames.push(frame),
      misunderstood: (problem: string) => {
        throw new Error(`a gateway sent what the contract does not know: ${problem}`)
      },
      closed: (code: number, reason: string) => {
        this.closed ??= { code, reason }
        this.#notify()
      },
    }
    this.#raw = new RawSocket(gateway, events, options)
  }

  /** For what no client does. */
  get socket(): WebSocket {
    return this.#raw.ws
  }

  get isOpen(): boolean {
    return this.#raw.isOpen
  }

  send(...frames: object[]): void {
    this.#raw.send(...frames)
  }

  sendText(text: string | Buffer): void {
    this.#raw.sendText(text)
  }

  pause(): void {
    this.#raw.pause()
  }

  resume(): void {
    this.#raw.resume()
  }

  close(): void {
    this.#raw.close()
  }

  terminate(): void {
    this.#raw.terminate()
  }

  /** Resolves when the condition holds; rejects after `withinMs` with what was seen. */
  async until<T>(what: string, condition: () => T | undefined | false, withinMs = 60_000): Promise<T> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const value = condition()
      if (value !== undefined && value !== false) return value
      const leftMs = deadline - performance.now()
      if (leftMs <= 0)
        throw new Error(
          `timed out waiting for ${what}; closed ${JSON.stringify(this.closed)}; frames ${JSON.stringify(this.frames).slice(-1500)}`,
        )
      await Promise.race([new Promise<void>((resolve) => this.#wake.push(resolve)), sleep(Math.min(leftMs, 250))])
    }
  }

  async opened(): Promise<this> {
    // A gateway may close it as soon as it is open.
    await this.until('an open connection', () => this.#wasOpen || this.#raw.isClosed)
    if (!this.#wasOpen) throw new Error('the connection was refused')
    return this
  }

  /** The next frame of a type, after the one given last; frames of other types before it are passed over. */
  async next<T extends ServerFrame['type']>(type: T, withinMs?: number): Promise<Frame<T>> {
    const is = (frame: ServerFrame): frame is Frame<T> => frame.type === type
    return this.until(
      `the next ${type} frame`,
      () => {
        const index = this.frames.findIndex((frame, at) => at >= this.#given && is(frame))
        const found = this.frames[index]
        if (found === undefined || !is(found)) {
          if (this.#raw.isClosed) throw new Error(`closed without ${type}`)
          return undefined
        }
        this.#given = index + 1
        return found
      },
      withinMs,
    )
  }

  /** Subscribes, from a position or without one, and resolves with the answer. */
  async subscribed(space: string, position?: { epoch: string; version: number }): Promise<ServerFrame> {
    const resume = position === undefined ? {} : { epoch: position.epoch, after: position.version }
    this.send({ type: 'subscribe', space, ...resume })
    return this.next(position === undefined ? 'snapshot' : 'resumed')
  }

  /** The first frame of a type at or after an index, for which the test holds. */
  frame<T extends ServerFrame['type']>(
    type: T,
    test: (frame: Frame<T>) => boolean = () => true,
    withinMs?: number,
  ): Promise<Frame<T>> {
    const is = (frame: ServerFrame): frame is Frame<T> => frame.type === type
    return this.until(`a ${type} frame`, () => this.frames.filter(is).find(test), withinMs)
  }

  hasClosed(withinMs?: number): Promise<{ code: number; reason: string }> {
    return this.until('the close', () => this.closed, withinMs)
  }

  /** Opens, says hello and waits for the welcome. */
  static async welcomed(gateway: string, token: string, options: RawSocketOptions = {}): Promise<RawClient> {
    const socket = await new RawClient(gateway, options).opened()
    socket.send({ type: 'hello', protocol: 1, token })
    await socket.next('welcome')
    return socket
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = []
    for (const resolve of wake) resolve()
  }
}
