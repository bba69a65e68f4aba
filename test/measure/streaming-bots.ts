/**
 * Bots of a measurement, in a process of their own: asked `speak 10`, one says so many tokens a second for ten seconds,
 * each the date at which it was said, so that whoever reads it knows how late it is.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, type RunningBot, runBot, serveHealth, sessionFromToken } from '@rhizom/bots'
import { z } from 'zod'

const { API_URLS, SYNC_URLS, BOT_TOKENS, PER_SECOND, AT_ONCE, APPENDS_PER_SECOND, PORT } = z
  .object({
    API_URLS: z.string().transform((urls) => urls.split(',')),
    SYNC_URLS: z.string().transform((urls) => urls.split(',')),
    BOT_TOKENS: z.string().transform((tokens) => tokens.split(',')),
    PER_SECOND: z.coerce.number(),
    AT_ONCE: z.coerce.number(),
    APPENDS_PER_SECOND: z.coerce.number(),
    PORT: z.coerce.number(),
  })
  .parse(process.env)

const speak: Answer = async function* ({ request, signal }) {
  const seconds = Number(/\d+/.exec(request.text)?.[0] ?? 1)
  // They do not all speak at once.
  await sleep(Math.random() * 50, undefined, { signal })
  const begunAt = performance.now()
  for (let said = 0; said < seconds * PER_SECOND; said += 1) {
    await sleep(Math.max(0, begunAt + (said * 1000) / PER_SECOND - performance.now()), undefined, { signal })
    yield `${Date.now()} `
  }
}

const bots: RunningBot[] = []
for (const [index, token] of BOT_TOKENS.entries()) {
  const apiUrl = API_URLS[index % API_URLS.length] ?? ''
  const syncUrl = SYNC_URLS[index % SYNC_URLS.length] ?? ''
  const session = await sessionFromToken(apiUrl, token)
  const times = { askEveryMs: 60_000, leaseMs: 60_000, appendsPerSecond: APPENDS_PER_SECOND }
  bots.push(await runBot({ session, answer: speak, apiUrl, syncUrl, atOnce: AT_ONCE, ...times }))
}
const [first] = bots
if (first === undefined) throw new Error('no bot')
await serveHealth(first, { port: PORT, host: '127.0.0.1' })
process.once('SIGTERM', () => void Promise.all(bots.map((bot) => bot.stop())).then(() => process.exit(0)))
