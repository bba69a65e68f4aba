/**
 * A socket of a browser, joined to one of a gateway: the first that takes the connection gets the request to upgrade,
 * and what it answers goes back as it is, whether it upgrades or says why not. From then on bytes pass both ways.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { endWithStatus } from './answers.ts'

const HALF_CLOSED_MS = 500
/** Both silent: a gateway speaks every 20 s, so one end has gone without a word. */
const SILENCE_MS = 75_000

export function forwardUpgrade(
  open: (node: string) => ClientRequest,
  socket: Duplex,
  head: Buffer,
  nodes: readonly string[],
): void {
  const [node, ...others] = nodes
  if (socket.destroyed) return
  if (node === undefined) return endWithStatus(socket, 502)
  const outgoing = open(node)
  const abort = (): void => void outgoing.destroy()
  // Until something was said, whatever goes wrong here is a reason to ask the next.
  const askNext = (): void => {
    socket.off('close', abort)
    forwardUpgrade(open, socket, head, others)
  }
  const settle = (): void => {
    outgoing.off('error', askNext).on('error', () => socket.destroy())
  }
  socket.once('close', abort)
  outgoing.once('error', askNext)
  outgoing.once('upgrade', (answer, peer, peerHead) => {
    settle()
    socket.off('close', abort)
    join(socket, peer)
    socket.write(headOf(answer))
    if (peerHead.length > 0) socket.write(peerHead)
    if (head.length > 0) peer.write(head)
    socket.pipe(peer)
    peer.pipe(socket)
  })
  outgoing.once('response', (answer) => {
    settle()
    // The connection ends with this answer, and the chunks that it may have come in are undone.
    socket.write(headOf(answer, ['connection', 'keep-alive', 'transfer-encoding']))
    answer.once('error', () => socket.destroy())
    answer.pipe(socket)
  })
  outgoing.end()
}

function headOf(answer: IncomingMessage, without: readonly string[] = []): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`]
  for (let index = 0; index < answer.rawHeaders.length; index += 2) {
    const name = answer.rawHeaders[index] ?? ''
    if (!without.includes(name.toLowerCase())) lines.push(`${name}: ${answer.rawHeaders[index + 1]}`)
  }
  if (without.length > 0) lines.push('Connection: close')
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Whichever end goes first takes the other with it. An end that only says it has finished leaves the other a moment
 * to finish as well: cutting it off could cost a close frame that is still on its way.
 */
function join(one: Duplex, other: Duplex): void {
  for (const [end, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    end.once('error', () => peer.destroy())
    end.once('close', () => peer.destroy())
    end.once('end', () => setTimeout(() => end.destroy(), HALF_CLOSED_MS))
    if (end instanceof Socket) end.setTimeout(SILENCE_MS, () => end.destroy())
  }
}
