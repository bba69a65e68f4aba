/**
 * For tests: a server that speaks enough of the protocol of Redis (RESP 2) to be taken for one of another kind: too
 * old, demoted, refusing. It keeps nothing; what it answers is said by `reply`.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** A line of the protocol without its end (`+OK`, `-ERR no`, `:1`), or the text of a bulk string. */
export type ScriptedReply = { line: string } | { bulk: string }

export class ScriptedRedis {
  /** Connections that were made. */
  connections = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(reply: (command: readonly string[]) => ScriptedReply): Promise<ScriptedRedis> {
    const server = createServer()
    const scripted = new ScriptedRedis(server)
    server.on('connection', (socket) => scripted.#serve(socket, reply))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return scripted
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('listening on no port')
    return `redis://127.0.0.1:${address.port}`
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket, reply: (command: readonly string[]) => ScriptedReply): void {
    this.connections += 1
    this.#sockets.add(socket)
    let received = ''
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (data: Buffer) => {
      received += data.toString('latin1')
      for (let next = takeCommand(received); next !== undefined; next = takeCommand(received)) {
        received = next.rest
        const answer = reply(next.command)
        socket.write('line' in answer ? `${answer.line}\r\n` : `$${answer.bulk.length}\r\n${answer.bulk}\r\n`)
      }
    })
  }
}

/** A command is an array of bulk strings: `*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n`. */
function takeCommand(received: string): { command: string[]; rest: string } | undefined {
  const head = /^\*(\d+)\r\n/.exec(received)
  if (head === null) return undefined
  const command: string[] = []
  let at = head[0].length
  for (let part = 0; part < Number(head[1]); part += 1) {
    const size = /^\$(\d+)\r\n/.exec(received.slice(at, at + 20))
    if (size === null) return undefined
    const [from, length] = [at + size[0].length, Number(size[1])]
    if (received.length < from + length + 2) return undefined
    command.push(received.slice(from, from + length))
    at = from + length + 2
  }
  return { command, rest: received.slice(at) }
}
