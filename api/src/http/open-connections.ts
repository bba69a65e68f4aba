/**
 * Knows which connections have a request under way, so that a stopping node waits for those and for no other: a
 * connection on which nothing was asked yet, or whose peer fell silent within the head of a request, would hold it up
 * until its timeout, because Node takes it for busy.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface OpenConnections {
  /** Closes every connection without a request under way, and each other one with its answer. */
  close: () => void
}

export function trackConnections(server: Server): OpenConnections {
  const unused = new Set<Socket>()
  let closing = false
  server.on('connection', (socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    unused.delete(socket)
    response.once('close', () => {
      if (closing) socket.destroySoon()
      else if (!socket.destroyed) unused.add(socket)
    })
  })
  return {
    close: () => {
      closing = true
      for (const socket of unused) socket.destroy()
    },
  }
}
