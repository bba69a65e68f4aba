/**
 * How soon a page that is loaded again shows what was said: in real Chromium, on a running system (`npm start`), with
 * everything there, with no gateway and no api to be reached, and with nothing kept on the device, for comparison. Time
 * is counted from the beginning of the navigation to the frame in which the last message stands.
 *
 *   node test/measure/first-paint.ts [runs] [messages]
 */
import { join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { readRunFile } from '@rhizom/infra/local/run-file.ts'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { installedChromium } from '../browser/find-chromium.ts'
import { apply, freshId, signIn, utterance } from '../wire/api-caller.ts'

const runs = Number(process.argv[2] ?? 9)
const messages = Number(process.argv[3] ?? 100)
const AT_ONCE = 50

declare global {
  interface Window {
    paintedAfterMs?: number
  }
}

/** Notes, in the page, when the text is first in a frame that was painted. */
function notePaint(text: string): void {
  const look = (): void => {
    const shown = [...document.querySelectorAll('[data-testid=message-text]')].some((one) => one.textContent === text)
    if (!shown) return
    observer.disconnect()
    requestAnimationFrame(() => setTimeout(() => (window.paintedAfterMs = performance.now())))
  }
  const observer = new MutationObserver(look)
  observer.observe(document, { childList: true, subtree: true, characterData: true })
}

async function reloaded(page: Page): Promise<number> {
  await page.reload({ waitUntil: 'commit' })
  const painted = await page.waitForFunction(() => window.paintedAfterMs, undefined, { timeout: 30_000 })
  return (await painted.jsonValue()) ?? Number.NaN
}

/** The page itself can be loaded, and nothing behind it answers. */
async function isolate(context: BrowserContext): Promise<void> {
  await context.route('**/v1/**', (route) => route.abort('connectionfailed'))
  await context.routeWebSocket('**/v1/sync', (socket) => void socket.close({ code: 1006 }).catch(() => undefined))
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function measure(what: string, page: Page, before: () => Promise<void>): Promise<void> {
  const taken: number[] = []
  for (let round = 0; round < runs; round++) {
    await before()
    taken.push(await reloaded(page))
  }
  const [least, most] = [Math.min(...taken), Math.max(...taken)]
  say(`${what}: median ${median(taken).toFixed(0)} ms of ${runs} (${least.toFixed(0)} to ${most.toFixed(0)})`)
}

const run = readRunFile(join(repository, '.local', 'run.json'))
if (run === undefined) throw new Error('nothing runs here: npm start')
const executablePath = installedChromium()
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
})
try {
  const api = run.api[0] ?? ''
  const writer = await signIn(api, 'Writer')
  const space = freshId('paint')
  await apply(api, writer.token, { space, name: 'space.create', args: { name: 'Paint' } })
  const texts = Array.from({ length: messages }, (_, index) => `message ${index}`)
  for (let from = 0; from < messages; from += AT_ONCE)
    await apply(api, writer.token, ...texts.slice(from, from + AT_ONCE).map((text) => utterance(space, text)))
  const last = texts.at(-1) ?? ''
  const context = await browser.newContext({ baseURL: run.web })
  const page = await context.newPage()
  await page.goto(`/spaces/${encodeURIComponent(space)}`)
  await page.getByTestId('name-input').fill('Onlooker')
  await page.getByTestId('sign-in').click()
  await page.getByTestId('message-text').getByText(last, { exact: true }).waitFor()
  await page.addInitScript(notePaint, last)
  const nothing = (): Promise<void> => Promise.resolve()
  await measure('online, kept on the device', page, nothing)
  await measure('online, nothing kept', page, () =>
    page.evaluate(async () => {
      for (const { name } of await indexedDB.databases())
        if (name !== undefined)
          await new Promise<void>((resolve) => {
            const request = indexedDB.deleteDatabase(name)
            request.addEventListener('success', () => resolve())
            request.addEventListener('error', () => resolve())
          })
    }),
  )
  await page.reload()
  await page.locator('[data-testid=sync-status][data-status=live]').waitFor()
  await isolate(context)
  await measure('nobody answers, kept on the device', page, nothing)
} finally {
  await browser.close()
}
