/** The least that can be done with uWebSockets.js and Redis: what is published there goes to all who are connected. */
import { Redis } from 'ioredis'
import uWS from 'uWebSockets.js'

/** Above what a burst leaves unsent; its default of 64 KiB loses messages of those who are a moment late. */
const MAX_BACKPRESSURE = 16 * 1_048_576

const [port = '0', redisUrl = ''] = process.argv.slice(2)
const app = uWS.App().ws('/*', {
  compression: uWS.DISABLED,
  maxBackpressure: MAX_BACKPRESSURE,
  idleTimeout: 120,
  open: (socket) => {
    socket.subscribe('hot')
    socket.send('in')
  },
})
const redis = new Redis(redisUrl)
redis.on('message', (_channel, text) => app.publish('hot', text))
await redis.subscribe('hot')
app.listen('127.0.0.1', Number(port), (socket) => {
  if (socket === false) process.exit(1)
})
