/**
 * Socket.IO with its Redis streams adapter and connection state recovery, as its documents have it, over WebSocket
 * alone and without compression. Its packages are not this repository's: they lie where the third argument says.
 * `POST /publish` emits each line of the body to everybody in the room.
 */
import { createServer, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'

interface IoSocket {
  join(room: string): void
}
interface IoServer {
  on(event: 'connection', listener: (socket: IoSocket) => void): void
  to(room: string): { emit(event: string, text: string): void }
}

type Made = new (...args: unknown[]) => unknown
const isFields = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isMade = (value: unknown): value is Made => typeof value === 'function'
const isCall = (value: unknown): value is (...args: unknown[]) => unknown => typeof value === 'function'
const isIoServer = (value: unknown): value is IoServer => isFields(value) && isCall(value['on']) && isCall(value['to'])

const [port = '0', redisUrl = '', packages = ''] = process.argv.slice(2)
const load = createRequire(packages)
const part = (name: string, key: string): unknown => {
  const found: unknown = load(name)
  return typeof found === 'function' || isFields(found) ? Reflect.get(found, key) : undefined
}
const [Server, Redis, createAdapter] = [
  part('socket.io', 'Server'),
  part('ioredis', 'Redis'),
  part('@socket.io/redis-streams-adapter', 'createAdapter'),
]
if (!isMade(Server) || !isMade(Redis) || !isCall(createAdapter)) throw new Error('the packages are not as expected')

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) if (chunk instanceof Buffer) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const http = createServer((request, response) => {
  textOf(request).then(
    (text) => {
      for (const line of text.split('\n')) io.to('hot').emit('change', line)
      response.end()
    },
    () => response.destroy(),
  )
})
const made = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  serveClient: false,
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
  adapter: createAdapter(new Redis(redisUrl)),
})
if (!isIoServer(made)) throw new Error('the server is not as expected')
const io: IoServer = made
io.on('connection', (socket) => socket.join('hot'))
http.listen(Number(port), '127.0.0.1')
