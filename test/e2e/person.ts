/**
 * One person at one page of the browser tests: what they do there, and what they see. Waits for what is to be seen;
 * what must not be seen is for the tests to ask. A person with several tabs is several of these with one id.
 */
import type { BrowserContext, Locator, Page } from 'playwright-core'

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

  /** Presses key after key, and sends nothing. */
  type(text: string): Promise<void> {
    return mayWrite(this.page).pressSequentially(text)
  }

  /** Takes out everything that was typed, and sends nothing. */
  erase(): Promise<void> {
    return this.page.getByTestId('message-input').fill('')
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

  seesAuthor(name: string): Promise<void> {
    return this.page.getByTestId('message-author').getByText(name, { exact: true }).first().waitFor()
  }

  seesTyping(line: string): Promise<void> {
    return this.page.getByTestId('typing').getByText(line, { exact: true }).waitFor()
  }

  typingLine(): Promise<string> {
    return this.page.getByTestId('typing').innerText()
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

  seesState(state: 'here' | 'away', { id }: { id: string }): Promise<void> {
    return this.page.locator(`[data-testid="presence-here"][data-being="${id}"][data-state="${state}"]`).waitFor()
  }
}

const isLive = (page: Page): Promise<void> => page.locator('[data-testid=sync-status][data-status=live]').waitFor()

/** Where one writes, once one may: before that, keys make a draft that nobody hears of. */
const mayWrite = (page: Page): Locator => page.getByPlaceholder('Write a message')
