/** The floor: what a few lines over a WebSocket library and Redis do, without promises. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Peer } from '../peer.ts'
import { startBareServer } from './server.ts'

/** Both are packages of this repository, and say in their own file which they are. */
function versionOf(name: string): string {
  const file = join(import.meta.dirname, '../../node_modules', name, 'package.json')
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version
}

export const bareUws: Peer = {
  name: 'bare uWebSockets.js',
  dialect: 'plain',
  settings: 'publish on what Redis says; no compression; 16 MiB of backpressure; no history',
  recovers: false,
  textBytes: 650,
  get: () => Promise.resolve({ ok: true, version: versionOf('uWebSockets.js') }),
  start: (around) => startBareServer(around, 'bare-uws.ts'),
}

export const bareWs: Peer = {
  name: 'bare ws',
  dialect: 'plain',
  settings: 'a loop over all sockets on what Redis says; no compression; no history',
  recovers: false,
  textBytes: 650,
  get: () => Promise.resolve({ ok: true, version: versionOf('ws') }),
  start: (around) => startBareServer(around, 'bare-ws.ts'),
}
