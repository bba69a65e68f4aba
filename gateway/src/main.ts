/** One gateway node: settings from the environment, then run until told to stop. */
import { weakSecrets } from '@rhizom/protocol'
import { pino } from 'pino'
import { parseConfig } from './config.ts'
import { startGateway } from './lifecycle.ts'
import { observeProcess } from './observe.ts'

const parsed = parseConfig(process.env)
if (!parsed.ok) {
  process.stderr.write(`gateway: ${parsed.problem}\n`)
  process.exit(1)
}
const log = pino({ name: 'gateway', level: parsed.config.LOG_LEVEL })
const weak = weakSecrets(parsed.config)
if (weak.length > 0) log.warn({ weak }, 'secrets that can be guessed are allowed here')

try {
  const running = await startGateway(parsed.config, log)
  observeProcess(running.gateway.metrics)
  // A promise that nobody waits for is one peer's trouble as well; Node would end the process and everybody with it.
  process.on('unhandledRejection', (reason) => running.wall.report('promise', reason))
  const stop = (): void => {
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ error: String(error) }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
} catch (error) {
  log.fatal({ error: String(error) }, 'the gateway could not start')
  process.exit(1)
}
