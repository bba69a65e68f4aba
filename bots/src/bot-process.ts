/** A bot as a process: settings from the environment, one bot, its health, a graceful stop on SIGTERM and SIGINT. */
import { createLog } from '@rhizom/process'
import { z } from 'zod'
import type { Answer } from './answer.ts'
import { serveHealth } from './health.ts'
import { runBot } from './run-bot.ts'
import { sessionFromToken } from './session-from-token.ts'

export const wholeNumber = (standard: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .default(standard)
    .transform(Number)

/** What every such process is told. */
const common = {
  API_URL: z.url(),
  SYNC_URL: z.url(),
  /** A token of the bot. */
  BOT_TOKEN: z.string().min(1),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber('0'),
  LEASE_MS: wholeNumber('15000'),
  AT_ONCE: wholeNumber('4'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
}

export interface BotProcess<Shape extends z.ZodRawShape> {
  component: string
  /** What this bot is told beside the common. */
  settings: Shape
  answer(settings: z.output<z.ZodObject<Shape>>): Answer
  /** Of the settings, what must not stand in a log. */
  secretsIn?(settings: z.output<z.ZodObject<Shape>>): readonly string[]
}

export async function runBotProcess<Shape extends z.ZodRawShape>(bot: BotProcess<Shape>): Promise<void> {
  const own = z.object(bot.settings).safeParse(process.env)
  const parsed = z.object(common).safeParse(process.env)
  if (!own.success || !parsed.success) {
    // Named and never shown: some of them are secrets.
    const issues = [own.error, parsed.error].flatMap((error) => error?.issues ?? [])
    process.stderr.write(`${issues.map(({ path }) => path.join('.')).join(', ')}: missing or malformed\n`)
    process.exit(1)
  }
  const { API_URL: apiUrl, SYNC_URL: syncUrl, BOT_TOKEN, HOST: host, PORT: port, ...rest } = parsed.data
  const secrets = [BOT_TOKEN, ...(bot.secretsIn?.(own.data) ?? [])]
  const log = createLog({ component: bot.component, level: rest.LOG_LEVEL, secrets })
  try {
    const running = await runBot({
      session: await sessionFromToken(apiUrl, BOT_TOKEN),
      answer: bot.answer(own.data),
      ...{ apiUrl, syncUrl, leaseMs: rest.LEASE_MS, atOnce: rest.AT_ONCE, log },
    })
    const health = await serveHealth(running, { port, host })
    log.info({ url: health.url }, 'listening')
    const stop = (): void => {
      Promise.all([running.stop(), health.close()]).then(
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
    log.fatal({ err: error }, 'the bot could not start')
    process.exit(1)
  }
}
