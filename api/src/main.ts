/** The api process: settings from the environment, one node, a graceful stop on SIGTERM and SIGINT. */
import { weakSecrets } from '@rhizom/protocol'
import { parseConfig } from './config.ts'
import { createNode } from './node.ts'
import { createLog } from './observe.ts'

const parsed = parseConfig(process.env)
if (!parsed.ok) {
  process.stderr.write(`${parsed.problem}\n`)
  process.exit(1)
}
const { config } = parsed
const log = createLog(config.LOG_LEVEL)
const weak = weakSecrets(config)
if (weak.length > 0) log.warn({ weak }, 'secrets that can be guessed are allowed here')
const node = await createNode(config, log)

let stopping = false
const stop = (signal: string): void => {
  if (stopping) return
  stopping = true
  log.info({ signal }, 'stopping')
  const deadline = setTimeout(() => {
    log.error('stopped before everything was finished')
    process.exit(1)
  }, config.STOP_TIMEOUT_MS)
  deadline.unref()
  node.stop().then(
    () => {
      log.info('stopped')
      process.exit(0)
    },
    (error: unknown) => {
      log.error({ err: error }, 'stopping failed')
      process.exit(1)
    },
  )
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)

try {
  log.info({ url: await node.listen() }, 'listening')
} catch (error) {
  log.fatal({ err: error }, 'cannot listen')
  process.exit(1)
}
