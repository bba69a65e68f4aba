/**
 * Faults in drawing, planted from outside: an element, or a text beside others, that the browser refuses to make. So
 * the page that is shipped holds nothing for tests, and any part of it can be made to break. Outlives a reload of the
 * tab.
 */
import type { Page } from 'playwright-core'

const KEY = 'planted-fault'

/** Lets the pages of a tab break from its next load on. */
export async function makeBreakable(page: Page): Promise<void> {
  await page.addInitScript((key) => {
    const isPlanted = (what: string): boolean => {
      try {
        return window.sessionStorage.getItem(key) === what
      } catch {
        return false
      }
    }
    const createElement = document.createElement.bind(document)
    const createTextNode = document.createTextNode.bind(document)
    document.createElement = (name: string, options?: ElementCreationOptions) => {
      if (isPlanted(name)) throw new Error(`planted: no ${name}`)
      return createElement(name, options)
    }
    document.createTextNode = (text: string) => {
      if (isPlanted(text)) throw new Error(`planted: no “${text}”`)
      return createTextNode(text)
    }
  }, KEY)
}

/** From now on this cannot be drawn: the name of an element, or a whole text. */
export const plant = (page: Page, what: string): Promise<void> =>
  page.evaluate(([key, value]) => window.sessionStorage.setItem(key, value), [KEY, what] as const)

export const heal = (page: Page): Promise<void> => page.evaluate((key) => window.sessionStorage.removeItem(key), KEY)
