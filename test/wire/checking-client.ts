/**
 * An independent client for checks: speaks the contract over a raw WebSocket and judges what it gets, with no code
 * of our client package. It keeps its own position and its own copy of a space, applies the rule of the contract
 * (`from` equals the version held) by itself, resumes after any close, and records every violation it sees.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Change, type Intention, parseServerMessage, type ServerFrame, type SnapshotFrame } from '@rhizom/protocol'
import { WebSocket } from 'ws'

type Frame<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>

export interface CheckingClientOptions {
  /** Tries the next gateway after each close. Base urls, as http://127.0.0.1:7101. */
  gateways: readonly string[]
  token: string | (() => string)
  /** Which gateway is tried first. */
  first?: number
  origin?: string
}

/** One WebSocket connection with its frames in order, for tests of single exchanges. */
export class WireSocket {
  readonly frames: ServerFrame[] = []
  /** Raw lines, as they came. */
  readonly lines: string[] = []
  closed: { code: number; reason: string } | undefined
  readonly #socket: WebSocket
  #wake: (() => void)[] = []

  constructor(gateway: string, options: { origin?: string; path?: string } = {}) {
    const url = `${gateway.replace(/^http/, 'ws')}${options.path ?? '/v1/sync'}`
    this.#socket = new WebSocket(url, { ...(options.origin === undefined ? {} : { origin: options.origin }) })
    this.#socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8')
      this.lines.push(...text.split('\n'))
      for (const line of parseServerMessage(text)) {
        if (!line.ok)
          throw new Error(`a gateway sent what the contract does not know: ${line.problem} ${line.path ?? ''}`)
        if (line.value.type !== 'ignored') this.frames.push(line.value)
      }
      this.#notify()
    })
    this.#socket.on('close', (code, reason) => {
      this.closed ??= { code, reason: reason.toString() }
      this.#notify()
    })
    this.#socket.on('error', () => this.#notify())
    this.#socket.on('open', () => this.#notify())
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  send(...frames: object[]): void {
    this.sendText(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  sendText(text: string | Buffer): void {
    this.#socket.send(text)
  }

  /** Stops reading from the network, as a client that hangs. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.close()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  /** Resolves when the condition holds; rejects after `withinMs` with what was seen. */
  async until<T>(what: string, condition: () => T | undefined | false, withinMs = 10_000): Promise<T> {
    const deadline = Date.now() + withinMs
    for (;;) {
      const value = condition()
      if (value !== undefined && value !== false) return value
      const leftMs = deadline - Date.now()
      if (leftMs <= 0)
        throw new Error(
          `timed out waiting for ${what}; closed ${JSON.stringify(this.closed)}; frames ${JSON.stringify(this.frames).slice(-1500)}`,
        )
      await Promise.race([new Promise<void>((resolve) => this.#wake.push(resolve)), sleep(Math.min(leftMs, 250))])
    }
  }

  async opened(): Promise<this> {
    await this.until('open', () => this.isOpen)
    return this
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
  static async welcomed(gateway: string, token: string, options: { origin?: string } = {}): Promise<WireSocket> {
    const socket = await new WireSocket(gateway, options).opened()
    socket.send({ type: 'hello', protocol: 1, token })
    await socket.frame('welcome')
    return socket
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = []
    for (const resolve of wake) resolve()
  }
}

/** What one checking client holds of one space, and what it found wrong on the way. */
export class SpaceRecord {
  epoch: string | undefined
  version = 0
  /** Mutation ids in the order their changes were applied since the last snapshot of another epoch. */
  readonly mutations: string[] = []
  readonly intentions = new Map<string, Intention>()
  readonly violations: string[] = []
  snapshots = 0
  resumes = 0
  ended: { code: string } | undefined

  /** Applies a frame by the contract's rule. Returns false if the client must resume. */
  accept(frame: ServerFrame): boolean {
    switch (frame.type) {
      case 'snapshot':
        this.#replace(frame)
        return true
      case 'resumed':
        this.resumes += 1
        return this.#apply(frame, 'resumed')
      case 'changes':
        return this.#apply(frame, 'changes')
      case 'heartbeat':
        return true
      default:
        return true
    }
  }

  #replace(frame: SnapshotFrame): void {
    this.snapshots += 1
    if (this.epoch === frame.epoch && frame.version < this.version)
      this.violations.push(`a snapshot went back from ${this.version} to ${frame.version}`)
    this.epoch = frame.epoch
    this.version = frame.version
    this.intentions.clear()
    for (const intention of frame.intentions) this.intentions.set(intention.id, intention)
  }

  #apply(frame: Frame<'resumed'> | Frame<'changes'>, kind: string): boolean {
    if (frame.changes.length !== frame.to - frame.from)
      this.violations.push(`${kind} ${frame.from}-${frame.to} carries ${frame.changes.length} changes`)
    frame.changes.forEach((change, index) => {
      if (change.version !== frame.from + 1 + index)
        this.violations.push(`${kind} from ${frame.from} has version ${change.version} at ${index}`)
    })
    if (this.epoch !== frame.epoch || frame.from > this.version) {
      if (kind === 'resumed') this.violations.push(`resumed from ${frame.from} but held ${this.version}`)
      return false
    }
    for (const change of frame.changes) if (change.version > this.version) this.#step(change)
    return true
  }

  #step(change: Change): void {
    this.version = change.version
    this.mutations.push(change.mutation)
    if (change.kind === 'intention.put') this.intentions.set(change.body.id, change.body)
    if (change.kind === 'intention.remove') this.intentions.delete(change.body.id)
  }
}
