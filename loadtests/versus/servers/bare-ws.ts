/** The least that can be done with `ws` and Redis: what is published there goes to all who are connected. */
import { Redis } from 'ioredis'
import { WebSocketServer } from 'ws'

const [port = '0', redisUrl = ''] = process.argv.slice(2)
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false })
server.on('connection', (socket) => socket.send('in'))
const redis = new Redis(redisUrl)
redis.on('messageBuffer', (_channel: Buffer, text: Buffer) => {
  for (const socket of server.clients) socket.send(text, { binary: false })
})
await redis.subscribe('hot')
