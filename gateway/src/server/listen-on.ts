/** Binds an app of uWebSockets.js to an address of its own. */
import { cannotListen } from '@rhizom/process'
import uws, { type TemplatedApp } from 'uWebSockets.js'

declare module 'uWebSockets.js' {
  interface TemplatedApp {
    /** Missing in the published types. Without the exclusive option a port in use would be shared in silence. */
    listen(
      host: string,
      port: number,
      options: number,
      listening: (socket: us_listen_socket | false) => void,
    ): TemplatedApp
  }
}

export interface Server {
  url: string
  port: number
  stopAccepting(): void
  close(): void
}

const LIBUS_LISTEN_EXCLUSIVE_PORT = 1

/** Rejects if the port cannot be had; `variables` name the settings that say which. */
export function listenOn(
  app: TemplatedApp,
  { host, port }: { host: string; port: number },
  variables: string,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
      if (socket === false) {
        reject(cannotListen(host, port, variables))
        return
      }
      let isAccepting = true
      const bound = uws.us_socket_local_port(socket)
      resolve({
        port: bound,
        url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
        stopAccepting: () => {
          if (isAccepting) uws.us_listen_socket_close(socket)
          isAccepting = false
        },
        close: () => {
          isAccepting = false
          app.close()
        },
      })
    })
  })
}
