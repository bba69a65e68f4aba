/**
 * The life of a server process: settings or an end, a log, a server, and how it ends. A signal stops it in good order,
 * once; a fault that nobody caught is said and ends it, because nothing is known of its state any more.
 */
import { weakSecrets } from '@rhizom/protocol'
import { createLog, type ProcessLog } from './log.ts'
import { secretsIn } from './redact.ts'
import { type CommonConfig, type ConfigOf, parseSettings, type SettingsTable } from './settings.ts'

/** Why a process cannot start, in words for whoever set it up. */
export class StartProblem extends Error {
  override name = 'StartProblem'
}

/** `variables` say which of its two addresses it is. */
export const cannotListen = (host: string, port: number, variables = 'PORT or HOST'): StartProblem =>
  new StartProblem(`${variables}: cannot listen on ${host}:${port}: it is taken, or is no address of this machine`)

export interface RunningServer {
  url: string
  /** Where it answers whoever runs it, and other processes of ours. */
  internalUrl: string
  /** Resolves when everything is finished. */
  stop(): Promise<void>
  /** A promise rejected that nobody waits for. Without it that ends the process like any fault. */
  rejected?(reason: unknown): void
}

export interface ServerProcess<Table extends SettingsTable> {
  component: string
  settings: Table
  /** After this a process that was asked to stop ends anyway. */
  stopWithinMs(config: ConfigOf<Table>): number
  start(config: ConfigOf<Table> & CommonConfig, log: ProcessLog): Promise<RunningServer>
}

export async function runServer<Table extends SettingsTable>(server: ServerProcess<Table>): Promise<void> {
  const { component, settings } = server
  const parsed = parseSettings(settings, process.env)
  if (!parsed.ok) {
    // Told apart from the log, for whoever looks why there is none.
    process.stderr.write(`${parsed.problem}\n`)
    process.exit(1)
  }
  const { config } = parsed
  const log = createLog({ component, level: config.LOG_LEVEL, secrets: secretsIn(config) })
  const weak = weakSecrets(config)
  if (weak.length > 0) log.warn({ weak }, 'secrets that can be guessed are allowed here')
  const fault =
    (what: string) =>
    (error: unknown): void => {
      log.fatal({ err: error }, what)
      process.exit(1)
    }
  process.on('uncaughtException', fault('a fault that nobody caught ends the process'))
  const orphan = fault('a promise that nobody waited for was rejected: the process ends')
  let rejected = orphan
  process.on('unhandledRejection', (reason) => rejected(reason))
  try {
    const running = await server.start(config, log)
    rejected = running.rejected ?? orphan
    stopOnSignals(running, server.stopWithinMs(config), log)
    log.info({ url: running.url, internal: running.internalUrl }, 'listening')
  } catch (error) {
    if (!(error instanceof StartProblem)) return fault('the process could not start')(error)
    log.fatal(error.message)
    process.exit(1)
  }
}

function stopOnSignals(running: RunningServer, withinMs: number, log: ProcessLog): void {
  let isStopping = false
  const stop = (signal: string): void => {
    if (isStopping) return
    isStopping = true
    log.info({ signal }, 'stopping')
    const deadline = setTimeout(() => {
      log.error('stopped before everything was finished')
      process.exit(1)
    }, withinMs)
    deadline.unref()
    running.stop().then(
      () => {
        log.info('stopped')
        process.exit(0)
      },
      (error: unknown) => {
        log.fatal({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
