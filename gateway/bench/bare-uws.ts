/**
 * The floor of fan-out: uWebSockets.js alone, which publishes to everybody what is published to it over Redis, each
 * frame on its own and without any promise. `LOOP=1` sends to one after another instead.
 *
 * It answers what a client says first, as a gateway does, so that the connections of both are alike.
 */
import { Redis } from 'ioredis'
import uws from 'uWebSockets.js'

export const bareChannel = (port: number): string => `rhizom-bench-bare-${port}`
/** As long as what a gateway answers: welcome and an empty snapshot. */
const BARE_ANSWER = `{"type":"snapshot","rest":"${'x'.repeat(600)}"}`

if (process.argv[1] === import.meta.filename) {
  const port = Number(process.env['PORT'])
  const isLoop = process.env['LOOP'] === '1'
  const all = new Set<uws.WebSocket<unknown>>()
  const app = uws.App().ws('/*', {
    compression: uws.DISABLED,
    maxBackpressure: 64 * 1024 * 1024,
    idleTimeout: 120,
    open: (ws) => void (isLoop ? all.add(ws) : ws.subscribe('space')),
    message: (ws) => void ws.send(BARE_ANSWER),
    close: (ws) => void all.delete(ws),
  })
  const redis = new Redis(process.env['REDIS_URL'] ?? '')
  redis.on('message', (_channel, text) => {
    if (!isLoop) {
      app.publish('space', text)
      return
    }
    const bytes = Buffer.from(text)
    for (const ws of all) if (ws.send(bytes) === 2) throw new Error('it lost something')
  })
  await redis.subscribe(bareChannel(port))
  app.listen('127.0.0.1', port, (listening) => {
    if (listening === false) process.exit(1)
    process.stderr.write('listening\n')
  })
}
