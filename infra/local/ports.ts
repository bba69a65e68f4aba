/** Finds ports: the usual one where it is free, else the next that is, else any that the system offers. */
import { connect, createServer } from 'node:net'

const LOOPBACK = '127.0.0.1'
/** What connects to a listener on all addresses. */
const WITHIN: Readonly<Record<string, string>> = { '0.0.0.0': LOOPBACK, '::': LOOPBACK }
const STEPS = 20

/** Whether nothing listens on a port: neither on this address nor, where systems allow both at once, on all. */
export async function isFree(port: number, host = LOOPBACK): Promise<boolean> {
  return !(await accepts(port, WITHIN[host] ?? host)) && (await listenOnce(port, host)) !== undefined
}

/** A port that the system picks. */
export async function anyFreePort(host = LOOPBACK): Promise<number> {
  const port = await listenOnce(0, host)
  if (port === undefined) throw new Error('the system offers no free port')
  return port
}

/** Hands out ports, never the same twice: a port found free a moment ago is not taken yet. */
export function portFinder(): (usual: number, host?: string) => Promise<number> {
  const given = new Set<number>()
  return async (usual, host) => {
    for (let port = usual; usual > 0 && port < usual + STEPS; port += 1) {
      if (!given.has(port) && (await isFree(port, host))) {
        given.add(port)
        return port
      }
    }
    const port = await anyFreePort(host)
    given.add(port)
    return port
  }
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1_000 })
    const answer = (listening: boolean): void => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', () => answer(true))
    socket.once('timeout', () => answer(true))
    socket.once('error', () => answer(false))
  })
}

function listenOnce(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined))
    })
  })
}
