/** Centrifugo with its Redis engine, history and recovery. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getGoProgram } from '../get.ts'
import type { Peer } from '../peer.ts'
import { startServer } from './server.ts'

const VERSION = 'v6.9.1'
const folderOf = (cache: string): string => join(cache, `centrifugo-${VERSION}`)

export const centrifugo: Peer = {
  name: 'Centrifugo',
  dialect: 'centrifugo',
  settings: 'Redis engine; history of 10,000 for 5 min with forced recovery; JSON protocol; GOMAXPROCS 1',
  recovers: true,
  textBytes: 585,
  async get(cache, say) {
    const why = await getGoProgram(folderOf(cache), `github.com/centrifugal/centrifugo/v6@${VERSION}`, say)
    return why === undefined ? { ok: true, version: VERSION } : { ok: false, why: `it cannot be built: ${why}` }
  },
  async start(around) {
    const key = randomBytes(16).toString('hex')
    mkdirSync(around.directory, { recursive: true })
    const settings = {
      client: { insecure: true, allowed_origins: ['*'] },
      http_api: { key },
      engine: { type: 'redis', redis: { address: around.redisUrl } },
      channel: {
        without_namespace: {
          history_size: 10_000,
          history_ttl: '300s',
          force_recovery: true,
          allow_subscribe_for_anonymous: true,
          allow_subscribe_for_client: true,
        },
      },
    }
    const file = join(around.directory, 'centrifugo.json')
    writeFileSync(file, JSON.stringify(settings))
    const program = join(folderOf(around.cache), 'centrifugo')
    const { child, url } = await startServer(
      around,
      'centrifugo',
      (port) => [
        ...[...around.onServerCore, program, '--config', file],
        ...['--http_server.address', '127.0.0.1', '--http_server.port', String(port)],
      ],
      { GOMAXPROCS: '1' },
    )
    let topics = 0
    return {
      pid: child.pid,
      url,
      topic: () => Promise.resolve(`hot-${(topics += 1)}`),
      tokens: [],
      publish: async (channel, texts) => {
        const commands = texts.map((text) => ({ publish: { channel, data: { text } } }))
        const answer = await fetch(`${url}/api/batch`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': key },
          body: JSON.stringify({ commands }),
        })
        if (!answer.ok) throw new Error(`publish: ${answer.status}`)
        await answer.arrayBuffer()
      },
      stop: async () => void (await child.stop('SIGKILL')),
    }
  },
}
