/**
 * The process that serves the page of the local system (`npm start`): reads its settings, listens, stops when asked.
 */
import { createPageFiles } from './page-files.ts'
import { knowsNames } from './page-names.ts'
import { createPageServer } from './page-server.ts'
import { readSettings } from './settings.ts'
import { createSpread } from './spread-proxy.ts'

/** So that a body which is just too large for the api reaches it, and gets its answer. */
const BODY_SLACK_BYTES = 64 * 1024
const STOP_WITHIN_MS = 2_000

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const settings = readSettings(process.env)
const server = createPageServer({
  sendPage: createPageFiles(settings.PAGE_DIRECTORY),
  spread: createSpread({
    apiUrls: settings.API_URLS,
    gatewayUrls: settings.GATEWAY_URLS,
    maxBodyBytes: settings.MAX_BODY_BYTES + BODY_SLACK_BYTES,
  }),
  isKnownName: knowsNames(settings.PAGE_NAMES),
  requestTimeoutMs: settings.REQUEST_TIMEOUT_MS,
  onFault: (error) => say(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
})
server.on('error', (error) => {
  say(`error: cannot listen: ${error.message}`)
  process.exitCode = 1
})
server.listen(settings.PORT, settings.HOST, () => say(`serving ${settings.PAGE_DIRECTORY} on ${settings.HOST}`))

/** Requests under way get a moment; sockets, which would never end, are cut with the process. */
function stop(): void {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
  setTimeout(() => process.exit(0), STOP_WITHIN_MS)
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
