/** A TCP proxy a test can cut: what a cable pulled, a server gone or a link gone silent looks like. */
import { connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  port: number
  /** Closes all connections and refuses new ones. */
  cut: () => void
  /** Lets bytes vanish without closing anything. */
  silence: () => void
  heal: () => void
  /** Leaves the connections there are without a way, for ever and unknown to either end; new ones are carried. */
  abandon: () => void
  /** Asks `cutNow` for each piece sent to the server; the first it says yes to is delivered and the connection cut. */
  cutAfterSending: (cutNow: (sent: Buffer) => boolean) => void
  /** Shows each piece that is meant for the server, also of those that never get there. */
  watchSending: (seen: (piece: Buffer) => void) => void
  /** Lets each new connection have so many bytes from the server, and is cut then; undefined lets it have all. */
  cutAfterReceiving: (bytes: number | undefined) => void
  close: () => Promise<void>
}

export async function tcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let state: 'whole' | 'cut' | 'silent' = 'whole'
  let allowance: number | undefined
  let seen: ((piece: Buffer) => void) | undefined
  let cutNow: ((sent: Buffer) => boolean) | undefined
  const sockets = new Set<Socket>()
  const abandoned = new WeakSet<Socket>()
  const server = createServer((near) => {
    if (state === 'cut') {
      near.resetAndDestroy()
      return
    }
    const far = connect(target)
    let left = allowance ?? Number.POSITIVE_INFINITY
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => from.destroy())
      from.on('close', () => {
        sockets.delete(from)
        if (!abandoned.has(from)) to.destroy()
      })
      from.on('data', (data) => {
        if (from === near) seen?.(data)
        if (state === 'silent' || abandoned.has(from)) return
        if (from === near && cutNow?.(data) === true) {
          cutNow = undefined
          // Delivered, but its answer never comes back.
          far.removeAllListeners('data')
          far.write(data, () => setImmediate(() => near.resetAndDestroy()))
          return
        }
        if (from === far && data.length > left) {
          const last = data.subarray(0, left)
          left = 0
          near.write(last, () => setImmediate(() => near.resetAndDestroy()))
          return
        }
        if (from === far) left -= data.length
        to.write(data)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address.port,
    cut: () => {
      state = 'cut'
      destroyAll()
    },
    silence: () => {
      state = 'silent'
    },
    heal: () => {
      // Connections that went silent stay dead, as after a real outage.
      destroyAll()
      state = 'whole'
    },
    abandon: () => {
      for (const socket of sockets) abandoned.add(socket)
    },
    cutAfterSending: (decide) => {
      cutNow = decide
    },
    watchSending: (watch) => {
      seen = watch
    },
    cutAfterReceiving: (bytes) => {
      allowance = bytes
    },
    close: async () => {
      destroyAll()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
