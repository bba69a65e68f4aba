/** A bot as a process of its own, whose answer to a question is known: to be killed at whatever moment. */
import { setTimeout as sleep } from 'node:timers/promises'
import { runBot, serveHealth, sessionFromToken } from '@rhizom/bots'
import { toldTo, wordsOf } from './told.ts'

const { API_URL = '', SYNC_URL = '', BOT_TOKEN = '', PORT = '0', LEASE_MS = '1500' } = process.env

const bot = await runBot({
  session: await sessionFromToken(API_URL, BOT_TOKEN),
  ...{ apiUrl: API_URL, syncUrl: SYNC_URL, leaseMs: Number(LEASE_MS), atOnce: 4, askEveryMs: 500 },
  async *answer({ request, signal }) {
    for (const word of wordsOf(toldTo(request.text))) {
      yield word
      await sleep(5, undefined, { signal })
    }
  },
})
await serveHealth(bot, { port: Number(PORT), host: '127.0.0.1' })
process.once('SIGTERM', () => void bot.stop().then(() => process.exit(0)))
