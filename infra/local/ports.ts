/** Finds ports: the usual one where it is free, else the next that is, else any. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

const LOOPBACK = '127.0.0.1'
/** What connects to a listener on all addresses. */
const WITHIN: Readonly<Record<string, string>> = { '0.0.0.0': LOOPBACK, '::': LOOPBACK }
const STEPS = 20
/** Below what Linux (from 32,768) and others (from 49,152) give to connections, above what services usually have. */
const PICKED = { from: 12_000, to: 32_000 } as const
const ATTEMPTS = 100

/** Whether nothing listens on a port: neither on this address nor, where systems allow both at once, on all. */
export async function isFree(port: number, host = LOOPBACK): Promise<boolean> {
  return !(await accepts(port, WITHIN[host] ?? host)) && (await listenOnce(port, host)) !== undefined
}

/** Where this process looks next. Each begins anywhere, so that those that pick at the same time seldom meet. */
let next: number = randomInt(PICKED.from, PICKED.to)

/**
 * A port that nobody listens on, one after the other: one that was picked a moment ago is not listened on yet. Not one
 * that the system picks: those it also gives to connections, so that any connection may take it before it is listened
 * on, or while whoever listened is started again. Not one that another process of ours has picked either.
 */
export async function anyFreePort(host = LOOPBACK): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const candidate = next
    next = candidate + 1 < PICKED.to ? candidate + 1 : PICKED.from
    const port = await listenOnce(candidate, host)
    if (port !== undefined && (await claim(port))) return port
  }
  throw new Error(`there is no free port between ${PICKED.from} and ${PICKED.to}`)
}

/** Hands out ports, never the same twice: a port found free a moment ago is not taken yet. */
export function portFinder(): (usual: number, host?: string) => Promise<number> {
  const given = new Set<number>()
  return async (usual, host) => {
    for (let port = usual; usual > 0 && port < usual + STEPS; port += 1) {
      if (!given.has(port) && (await isFree(port, host))) {
        // Who asks for one by its number gets it, also if it is handed on by whoever picked it.
        await claim(port)
        given.add(port)
        return port
      }
    }
    let port = await anyFreePort(host)
    while (given.has(port)) port = await anyFreePort(host)
    given.add(port)
    return port
  }
}

/**
 * Tells other processes, until this one ends, that a port is taken although nobody listens on it yet: by the datagram
 * port of the same number, which is in nobody's way. False if another process has said so.
 */
function claim(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ port, address: LOOPBACK, exclusive: true }, () => resolve(true))
    socket.unref()
  })
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
