/**
 * A TCP link that a test can break: bytes go through it between one listening port and one of its targets, until the
 * link is cut (every connection is reset, new ones too) or blackholed (connections stand, what is said on them is
 * swallowed). It knows nothing of what it carries; which links exist is the rig's matter (rig.ts).
 *
 * A blackhole ends as a network failure does: connections from that time have no state left on the way, so they stay
 * silent until either side speaks, and whoever speaks gets a reset. Abandoned connections are never told anything.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface Target {
  host: string
  port: number
}

type LinkMode = 'open' | 'cut' | 'blackholed'

interface Pair {
  readonly near: Socket
  far: Socket | undefined
  /** A stale one has lost bytes: nothing that it carries from now on would make sense. */
  way: 'open' | 'stale' | 'abandoned'
  /** Bytes that may still come from the far end. */
  left: number
}

/** Reads host and port of a url such as `redis://127.0.0.1:6379`. */
export function targetOf(url: string): Target {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

export class TcpProxy {
  readonly name: string
  readonly port: number
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #targets: Target[] = []
  #next = 0
  #mode: LinkMode = 'open'
  #delayMs = 0
  #allowance = Number.POSITIVE_INFINITY
  #onSending: ((piece: Buffer) => void) | undefined
  #isLast: ((piece: Buffer, connection: object) => boolean) | undefined

  private constructor(name: string, server: Server, port: number) {
    this.name = name
    this.#server = server
    this.port = port
  }

  static listen(name: string, ...targets: Target[]): Promise<TcpProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true })
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        if (typeof address !== 'object' || address === null) return reject(new Error('a proxy without a port'))
        const proxy = new TcpProxy(name, server, address.port)
        proxy.retarget(...targets)
        server.on('connection', (socket) => proxy.#accept(socket))
        resolve(proxy)
      })
    })
  }

  /** The same url with this proxy's address in place of the host and port. */
  through(url: string): string {
    const rerouted = new URL(url)
    rerouted.hostname = '127.0.0.1'
    rerouted.port = String(this.port)
    return rerouted.href.replace(/\/$/, url.endsWith('/') ? '/' : '')
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Where new connections go: to each target in turn, past those that refuse. Standing ones stay as they are. */
  retarget(...targets: Target[]): void {
    this.#targets = targets
  }

  /** Resets every standing connection. New ones are carried as before. */
  reset(): void {
    for (const pair of this.#pairs) this.#drop(pair)
  }

  /** Resets every standing connection, and each new one. */
  cut(): void {
    this.#mode = 'cut'
    this.reset()
  }

  /** From now on everything said is swallowed, also on new connections, which are accepted. */
  blackhole(): void {
    this.#mode = 'blackholed'
    for (const pair of this.#pairs) if (pair.way === 'open') pair.way = 'stale'
  }

  /** Leaves the standing connections without a way, for ever and unknown to either end. New ones are carried. */
  abandon(): void {
    for (const pair of this.#pairs) pair.way = 'abandoned'
  }

  /** Shows each piece on its way to a target, also of those that never get there. */
  watchSending(seen: ((piece: Buffer) => void) | undefined): void {
    this.#onSending = seen
  }

  /**
   * Asks about each piece sent to a target, and tells the connection; the first that is the last is delivered, and
   * never answered: a reset comes.
   */
  cutAfterSending(isLast: (piece: Buffer, connection: object) => boolean): void {
    this.#isLast = isLast
  }

  /** Lets each new connection have so many bytes from its target, and then a reset. */
  cutAfterReceiving(bytes = Number.POSITIVE_INFINITY): void {
    this.#allowance = bytes
  }

  /** Holds back every byte for a while, in order. 0 ends it. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  heal(): void {
    this.#mode = 'open'
    this.#delayMs = 0
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(near: Socket): void {
    const way = this.#mode === 'blackholed' ? 'stale' : 'open'
    const pair: Pair = { near, far: undefined, way, left: this.#allowance }
    this.#pairs.add(pair)
    this.#watch(pair, near, () => pair.far)
    if (this.#mode === 'cut') this.#drop(pair)
    else if (way === 'open') this.#reach(pair, this.#targets.length)
  }

  #reach(pair: Pair, triesLeft: number): void {
    const target = this.#targets[this.#next % Math.max(1, this.#targets.length)]
    this.#next += 1
    if (target === undefined || triesLeft === 0) return this.#drop(pair)
    pair.near.pause()
    const far = connect({ ...target, noDelay: true })
    const refused = (): void => {
      far.destroy()
      if (pair.way !== 'open' || pair.near.destroyed) return
      this.#reach(pair, triesLeft - 1)
    }
    far.once('error', refused)
    far.once('connect', () => {
      far.off('error', refused)
      pair.far = far
      this.#watch(pair, far, () => pair.near)
      if (pair.near.destroyed || this.#mode === 'cut') return this.#drop(pair)
      pair.near.resume()
    })
  }

  #watch(pair: Pair, from: Socket, other: () => Socket | undefined): void {
    from.on('data', (chunk) => {
      if (from === pair.near) this.#onSending?.(chunk)
      if (pair.way === 'abandoned' || this.#mode === 'blackholed') return
      if (pair.way === 'stale') return this.#drop(pair)
      if (this.#isWhatIsLast(pair, from, chunk)) return
      if (this.#delayMs === 0) this.#carry(from, other(), chunk)
      else setTimeout(() => pair.way === 'open' && this.#carry(from, other(), chunk), this.#delayMs)
    })
    // What one side does is told to the other only over a link that carries: a blackhole swallows a goodbye as well.
    from.on('error', () => from.destroy())
    from.on('close', (hadError) => {
      const counterpart = other()
      if (pair.way === 'open' && counterpart !== undefined) {
        if (hadError) counterpart.resetAndDestroy()
        else counterpart.end()
      }
      if (counterpart === undefined || counterpart.destroyed) this.#pairs.delete(pair)
    })
  }

  /** Delivers what a connection is cut after, and cuts it. */
  #isWhatIsLast(pair: Pair, from: Socket, chunk: Buffer): boolean {
    const { near, far } = pair
    const cutOnceSent = (to: Socket | undefined, last: Buffer): true => {
      pair.way = 'stale'
      to?.write(last, () => setImmediate(() => this.#drop(pair)))
      return true
    }
    if (from === near && this.#isLast?.(chunk, pair) === true) {
      this.#isLast = undefined
      return cutOnceSent(far, chunk)
    }
    if (from === near) return false
    if (chunk.length > pair.left) return cutOnceSent(near, chunk.subarray(0, pair.left))
    pair.left -= chunk.length
    return false
  }

  #carry(from: Socket, to: Socket | undefined, chunk: Buffer): void {
    if (to === undefined || to.destroyed || !to.writable) return
    if (to.write(chunk)) return
    from.pause()
    to.once('drain', () => from.resume())
  }

  #drop(pair: Pair): void {
    this.#pairs.delete(pair)
    for (const socket of [pair.near, pair.far]) if (socket !== undefined && !socket.destroyed) socket.resetAndDestroy()
  }
}
