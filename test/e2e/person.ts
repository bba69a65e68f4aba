/**
 * One person at one page of the browser tests: what they do there, and what they see. Waits for what is to be seen;
 * what must not be seen is for the tests to ask. A person with several tabs is several of these with one id.
 */
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { eventually } from '@rhizom/kit/eventually.ts'

/** Far more than anything takes, also on a machine that is busy with something else. */
export const PATIENCE_MS = 60_000
/** A clock stops only at a time that is still to come. */
const PAUSE_AHEAD_MS = 1_000
/** By then a page has begun to keep what changed. */
const KEPT_AFTER_MS = 500
/** Typing is shown for four seconds. */
const SOON = { atMostMs: 3_000, stepMs: 10 } as const

/** Where a being may stand in the list of people. */
export type Listed = 'here' | 'away'

/** What happened to one being's entry in the list, seen from within the page. */
interface Sightings {
  vanished: number
  calledAway: number
}

declare global {
  interface Window {
    sightings?: Sightings
  }
}

export class Person {
  readonly id: string
  readonly name: string
  readonly page: Page
  readonly #context: BrowserContext

  private constructor(id: string, name: string, context: BrowserContext, page: Page) {
    this.id = id
    this.name = name
    this.page = page
    this.#context = context
  }

  /** Opens a page for the first time and gives a name. */
  static async signIn(context: BrowserContext, url: string, name: string): Promise<Person> {
    const page = await context.newPage()
    await page.goto(url)
    await page.getByTestId('name-input').fill(name)
    await page.getByTestId('sign-in').click()
    await isLive(page)
    const own = page.getByTestId('presence-here').filter({ hasText: '(you)' })
    return new Person((await own.getAttribute('data-being')) ?? '', name, context, page)
  }

  isLive(): Promise<void> {
    return isLive(this.page)
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.isLive()
  }

  /** Opens the same page, or another one of ours, in a second tab. */
  async openTab(path = ''): Promise<Person> {
    const page = await this.#context.newPage()
    await page.goto(new URL(path, this.page.url()).href)
    await isLive(page)
    return new Person(this.id, this.name, this.#context, page)
  }

  closeTab(): Promise<void> {
    return this.page.close()
  }

  /** Puts the page out of sight, or back: what a browser does to a tab behind another. */
  show(visible: boolean): Promise<void> {
    return this.page.evaluate(
      (state) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
        document.dispatchEvent(new Event('visibilitychange'))
      },
      visible ? 'visible' : 'hidden',
    )
  }

  /** From now on a page whose clock is the test's (`withClock`) has no time but what it is given. */
  stopTheClock(): Promise<void> {
    return this.page.clock.pauseAt(Date.now() + PAUSE_AHEAD_MS)
  }

  /**
   * Puts the clock of a page forward. What it keeps on the device is kept before that: with the clock it would have
   * waited for its store for ever, and given it up.
   */
  async fastForward(ms: number): Promise<void> {
    await this.page.clock.fastForward(KEPT_AFTER_MS)
    await this.page.evaluate(untilKept)
    await this.page.clock.fastForward(Math.max(0, ms - KEPT_AFTER_MS))
  }

  /** Waits, on a page whose clock stands, with less of its time than typing takes to run out. */
  soon(what: string, condition: () => Promise<boolean>): Promise<boolean> {
    let givenMs = 0
    const isSo = async (): Promise<boolean> => {
      if (await condition()) return true
      if (givenMs >= SOON.atMostMs) throw new Error(`not within ${givenMs} ms of the page's own time: ${what}`)
      givenMs += SOON.stepMs
      await this.page.clock.runFor(SOON.stepMs)
      return false
    }
    return eventually(what, isSo, PATIENCE_MS)
  }

  /** Presses key after key, and sends nothing. */
  type(text: string): Promise<void> {
    return mayWrite(this.page).pressSequentially(text)
  }

  /** Goes on typing, with the text staying as it is. */
  async typeOn(): Promise<void> {
    const input = mayWrite(this.page)
    await input.pressSequentially('!')
    await input.press('Backspace')
  }

  /** Takes out everything that was typed, and sends nothing. */
  erase(): Promise<void> {
    return this.page.getByTestId('message-input').fill('')
  }

  /** What stands where one writes. */
  async isWriting(text: string): Promise<void> {
    const input = this.page.getByTestId('message-input')
    await eventually(`“${text}” stands there`, async () => (await input.inputValue()) === text, PATIENCE_MS)
  }

  send(): Promise<void> {
    return this.page.getByTestId('message-input').press('Enter')
  }

  async say(text: string): Promise<void> {
    await mayWrite(this.page).fill(text)
    await this.send()
  }

  async rename(what: 'own-name' | 'space-name', name: string): Promise<void> {
    await this.page.getByTestId(`${what}-edit`).click()
    await this.page.getByTestId(`${what}-input`).fill(name)
    await this.page.getByTestId(`${what}-save`).click()
  }

  sees(message: string): Promise<void> {
    return this.page.getByTestId('message-text').getByText(message, { exact: true }).waitFor()
  }

  messages(): Promise<string[]> {
    return this.page.getByTestId('message-text').allInnerTexts()
  }

  /** All that is said there, in its order, and nothing beside. */
  async seesOnly(...messages: readonly string[]): Promise<void> {
    const said = async (): Promise<boolean> => (await this.messages()).join('\n') === messages.join('\n')
    await eventually(`only ${messages.join(', ')} is there`, said, PATIENCE_MS)
  }

  seesAuthor(name: string): Promise<void> {
    return this.page.getByTestId('message-author').getByText(name, { exact: true }).first().waitFor()
  }

  async typingLine(): Promise<string> {
    return ((await this.page.getByTestId('typing').textContent()) ?? '').replaceAll(/\s+/g, ' ').trim()
  }

  entry(where: Listed, { id }: { id: string }): Locator {
    return this.page.locator(`[data-testid="presence-${where}"][data-being="${id}"]`)
  }

  /**
   * The ids of those here, sorted; read in one go, since an item that goes between two questions would be waited for.
   */
  async here(): Promise<string[]> {
    const items = this.page.getByTestId('presence-here')
    const beings = await items.evaluateAll((all) => all.map((item) => item.getAttribute('data-being') ?? ''))
    return beings.toSorted()
  }

  /** Counts every moment in which a being is not among those here, or is but called away, from now on. */
  keepAnEyeOn({ id }: { id: string }): Promise<void> {
    return this.page.evaluate((being) => {
      const sightings = { vanished: 0, calledAway: 0 }
      const look = () => {
        const entry = document.querySelector(`[data-testid="presence-here"][data-being="${being}"]`)
        if (entry === null) sightings.vanished += 1
        else if (entry.getAttribute('data-state') === 'away') sightings.calledAway += 1
      }
      look()
      window.sightings = sightings
      const list = document.querySelector('aside.presence')
      if (list === null) throw new Error('there is no list of people')
      new MutationObserver(look).observe(list, { childList: true, subtree: true, attributeFilter: ['data-state'] })
    }, id)
  }

  /** How often the one who is watched was gone. */
  vanished(): Promise<number | undefined> {
    return this.page.evaluate(() => window.sightings?.vanished)
  }

  /** How often the one who is watched was here and called away. */
  calledAway(): Promise<number | undefined> {
    return this.page.evaluate(() => window.sightings?.calledAway)
  }

  seesState(state: 'here' | 'away', { id }: { id: string }, withinMs?: number): Promise<void> {
    const entry = this.page.locator(`[data-testid="presence-here"][data-being="${id}"][data-state="${state}"]`)
    return entry.waitFor(withinMs === undefined ? {} : { timeout: withinMs })
  }
}

/** Runs in the page: what is asked of a store comes after all that was asked before. */
async function untilKept(): Promise<void> {
  for (const { name = '' } of await indexedDB.databases()) {
    const opening = indexedDB.open(name)
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      opening.addEventListener('success', () => resolve(opening.result))
      opening.addEventListener('error', () => reject(opening.error ?? new Error('it cannot be opened')))
    })
    const stores = [...database.objectStoreNames]
    if (stores.length > 0) {
      const last = database.transaction(stores, 'readwrite')
      await new Promise((resolve) => last.addEventListener('complete', resolve))
    }
    database.close()
  }
}

const isLive = (page: Page): Promise<void> => page.locator('[data-testid=sync-status][data-status=live]').waitFor()

/** Where one writes, once one may: before that, keys make a draft that nobody hears of. */
const mayWrite = (page: Page): Locator => page.getByPlaceholder('Write a message')
