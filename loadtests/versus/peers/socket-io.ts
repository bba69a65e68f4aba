/** Socket.IO with Redis streams and connection state recovery. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { getPackages } from '../get.ts'
import type { Peer } from '../peer.ts'
import { startServer } from './server.ts'

const folderOf = (cache: string): string => join(cache, 'packages-1')

export const socketIo: Peer = {
  name: 'Socket.IO',
  dialect: 'socket.io',
  settings: 'Redis streams adapter; connection state recovery for 2 min; WebSocket alone; no compression',
  recovers: true,
  textBytes: 617,
  async get(cache, say) {
    const why = await getPackages(folderOf(cache), say)
    if (why !== undefined) return { ok: false, why: `its packages cannot be had: ${why}` }
    const file = join(folderOf(cache), 'node_modules/socket.io/package.json')
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8')))
    return { ok: true, version }
  },
  async start(around) {
    const entry = join(import.meta.dirname, '../servers/socket-io.ts')
    const packages = join(folderOf(around.cache), 'package.json')
    const { child, url } = await startServer(
      around,
      'socket-io',
      (port) => [...around.onServerCore, process.execPath, entry, String(port), around.redisUrl, packages],
      { NODE_ENV: 'production' },
    )
    return {
      pid: child.pid,
      url,
      topic: () => Promise.resolve('hot'),
      tokens: [],
      publish: async (_topic, texts) => {
        const answer = await fetch(`${url}/publish`, { method: 'POST', body: texts.join('\n') })
        await answer.arrayBuffer()
      },
      stop: async () => void (await child.stop('SIGKILL')),
    }
  },
}
