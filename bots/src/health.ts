/** Health, readiness and metrics of a bot, for whoever keeps it running. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cannotListen } from '@rhizom/process'
import type { RunningBot } from './run-bot.ts'

export interface HealthServer {
  url: string
  close(): Promise<void>
}

export async function serveHealth(bot: RunningBot, address: { port: number; host: string }): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const say = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text)
    }
    switch (request.url?.split('?', 1)[0]) {
      case '/healthz':
        return say(200, 'application/json', '{"status":"ok"}')
      case '/readyz':
        return say(bot.isReady ? 200 : 503, 'application/json', `{"ready":${bot.isReady}}`)
      case '/metrics':
        return void bot.metrics.registry.metrics().then(
          (text) => say(200, bot.metrics.registry.contentType, text),
          () => say(500, 'text/plain', ''),
        )
      default:
        return say(404, 'text/plain', '')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(cannotListen(address.host, address.port)))
    server.listen(address, resolve)
  })
  const { port } = portOf(server.address())
  return {
    url: `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function portOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('listening on no port')
  return address
}
