/**
 * The floor of fan-out: uWebSockets.js alone, which publishes to everybody what is published to it over Redis, each
 * frame on its own and without any promise.
 */
import { Redis } from 'ioredis'
import uws from 'uWebSockets.js'

export const BARE_CHANNEL = 'rhizom-bench-bare'

if (process.argv[1] === import.meta.filename) {
  const app = uws.App().ws('/*', {
    compression: uws.DISABLED,
    maxBackpressure: 64 * 1024 * 1024,
    idleTimeout: 120,
    open: (ws) => void ws.subscribe('space'),
  })
  const redis = new Redis(process.env['REDIS_URL'] ?? '')
  redis.on('message', (_channel, text) => app.publish('space', text))
  await redis.subscribe(BARE_CHANNEL)
  app.listen('127.0.0.1', Number(process.env['PORT']), (listening) => {
    if (listening === false) process.exit(1)
    process.stderr.write('listening\n')
  })
}
