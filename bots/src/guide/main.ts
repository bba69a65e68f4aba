/** The guide as a process: settings from the environment, one bot, a graceful stop on SIGTERM and SIGINT. */
import { createLog } from '@rhizom/process'
import { z } from 'zod'
import { serveHealth } from '../health.ts'
import { runBot } from '../run-bot.ts'
import { sessionFromToken } from '../session-from-token.ts'
import { guide } from './answer.ts'
import { readDocuments } from './documents.ts'

const whole = (standard: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .default(standard)
    .transform(Number)

const environmentSchema = z.object({
  API_URL: z.url(),
  SYNC_URL: z.url(),
  BOT_TOKEN: z.string().min(1),
  HOST: z.string().default('127.0.0.1'),
  PORT: whole('0'),
  /** Between two words. */
  PACE_MS: whole('40'),
  LEASE_MS: whole('3000'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

const parsed = environmentSchema.safeParse(process.env)
if (!parsed.success) {
  // Named and never shown: one of them is a token.
  process.stderr.write(`${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}: missing or malformed\n`)
  process.exit(1)
}
const { API_URL: apiUrl, SYNC_URL: syncUrl, BOT_TOKEN, HOST: host, PORT: port, ...settings } = parsed.data
const log = createLog({ component: 'guide', level: settings.LOG_LEVEL, secrets: [BOT_TOKEN] })

try {
  const bot = await runBot({
    session: await sessionFromToken(apiUrl, BOT_TOKEN),
    answer: guide(readDocuments(), settings.PACE_MS),
    ...{ apiUrl, syncUrl, leaseMs: settings.LEASE_MS, log },
  })
  const health = await serveHealth(bot, { port, host })
  log.info({ url: health.url }, 'listening')
  const stop = (): void => {
    Promise.all([bot.stop(), health.close()]).then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
} catch (error) {
  log.fatal({ err: error }, 'the guide could not start')
  process.exit(1)
}
