/**
 * The development server's part of the page's port (`npm run dev`): the way to the backend as the page server has it,
 * and doors of Vite that stay closed.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Plugin } from 'vite'
import { endWithStatus, sendText } from '../server/answers.ts'
import { readTarget } from '../server/request-target.ts'
import type { Spread } from '../server/spread-proxy.ts'

/** It starts a program on this machine with whatever name the request holds. */
const OPENS_AN_EDITOR = /^\/__open-in-editor\b/

export function devServer(spread: Spread): Plugin {
  return {
    name: 'rhizom-dev-server',
    apply: 'serve',
    configureServer({ middlewares, httpServer }) {
      middlewares.use((request, response, next) => {
        const target = readTarget(request.originalUrl ?? '')
        switch (target.kind) {
          case 'api':
          case 'sync':
            spread.request(target, request, response).catch(() => response.destroy())
            return
          case 'refused':
            return sendText(response, target.status, `Not understood: ${target.why}`, { Connection: 'close' })
          case 'page':
            if (OPENS_AN_EDITOR.test(target.path)) return sendText(response, 404, 'There is no such address')
            return next()
          default:
            target satisfies never
        }
      })
      // Vite listens for its own sockets on the same server, and leaves the others alone.
      httpServer?.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        const target = readTarget(request.url ?? '')
        if (target.kind === 'page') return
        socket.on('error', () => socket.destroy())
        if (target.kind === 'sync') spread.upgrade(target, request, socket, head)
        else endWithStatus(socket, 404)
      })
    },
  }
}
