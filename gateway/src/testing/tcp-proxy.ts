/** For tests: a TCP proxy that can be cut, closed to newcomers, or fall silent without closing. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #isOpen = true
  port = 0

  constructor(host: string, port: number) {
    this.#server = createServer((client) => {
      if (!this.#isOpen) {
        client.destroy()
        return
      }
      const upstream = connect(port, host)
      const pair = [client, upstream] as const
      this.#pairs.add(pair)
      for (const [from, to] of [pair, [upstream, client] as const]) {
        from.pipe(to)
        from.on('error', () => to.destroy())
        from.on('close', () => {
          to.destroy()
          this.#pairs.delete(pair)
        })
      }
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
    return this
  }

  /** Ends every connection and lets none in. */
  cut(): void {
    this.#isOpen = false
    for (const [client, upstream] of this.#pairs) {
      client.destroy()
      upstream.destroy()
    }
  }

  /** Nothing passes any more, and nobody is told. */
  fallSilent(): void {
    for (const [client, upstream] of this.#pairs) {
      client.unpipe(upstream)
      upstream.unpipe(client)
    }
  }

  heal(): void {
    this.#isOpen = true
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
