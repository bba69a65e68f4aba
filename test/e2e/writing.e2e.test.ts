/** Whether what one writes is taken, will be taken, and where it then stands. */
import { afterEach, describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import type { Person } from './person.ts'
import { chromiumPath, useOwnStage } from './stage.ts'

describe.skipIf(chromiumPath === undefined)('writing', () => {
  const stage = useOwnStage()
  afterEach(() => Promise.all(stage().cluster.apis.flatMap((node) => (node.isRunning ? [] : [node.start()]))))

  const pill = ({ page }: Person) => page.getByTestId('sync-status').locator('summary')
  const banner = ({ page }: Person) => page.getByTestId('write-banner')

  /** From the next load on: every word that the page shows, however briefly. */
  async function everShown({ page }: Person): Promise<() => Promise<string>> {
    await page.addInitScript(() => {
      const all = new Set<string>()
      const look = () => all.add(document.body.innerText)
      document.addEventListener('DOMContentLoaded', () => {
        new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true })
      })
      Object.assign(window, { everShown: () => [...all].join('\n') })
    })
    return () => page.evaluate('window.everShown()')
  }

  test('W90 W148 with the api away the page is not live, before anybody writes, and is live by itself when it is back', async () => {
    const ada = await stage().enter(await stage().newSpace('The room'), 'Ada')
    // Entering is a mutation as well, and would be what waits.
    await ada.page.getByTestId('own-location').getByRole('link').waitFor()
    await pill(ada).getByText('Live', { exact: true }).waitFor()
    expect(await banner(ada).count()).toBe(0)
    const [api] = stage().cluster.apis
    await api?.kill()
    // It asks whenever it comes into view; otherwise a heartbeat of its gateway would say so.
    await ada.page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')))
    await pill(ada).getByText('Reading only').waitFor({ timeout: 60_000 })
    await banner(ada).getByText('Nothing can be sent right now').waitFor()
    expect(await ada.page.getByTestId('sync-status').getAttribute('data-status')).toBe('live')
    // Loaded while it is away: what a gateway knows is there, and of the rest nothing is claimed.
    const shown = await everShown(ada)
    await ada.page.reload()
    await pill(ada).getByText('Reading only').waitFor({ timeout: 60_000 })
    await ada.page.getByTestId('space-name').getByText('The room').waitFor()
    expect(await shown()).toMatch(/Reading only/)
    expect(await shown()).not.toMatch(/not in a space|retryAfter|at once/)
    await api?.start()
    await pill(ada).getByText('Live', { exact: true }).waitFor()
    await eventually('nothing is said any more', async () => (await banner(ada).count()) === 0)
  })

  test('W91 what is too long is said where it stands, and what was written stays', async () => {
    const ada = await stage().enter(await stage().newSpace('The room'), 'Ada')
    await ada.page.getByPlaceholder('Write a message').fill('long '.repeat(15_000))
    await ada.send()
    await ada.page.getByTestId('cannot-send').getByText('too long for one message').waitFor()
    expect((await ada.page.getByTestId('message-input').inputValue()).length).toBe(75_000)
    expect(await ada.messages()).toEqual([])
    await ada.say('Short')
    await ada.sees('Short')
    expect(await ada.page.getByTestId('cannot-send').count()).toBe(0)
  })

  test('W92 what one says is in view, and what others say below is marked', async () => {
    const room = await stage().newSpace('The room')
    const [ada, bob] = [await stage().enter(room, 'Ada'), await stage().enter(room, 'Bob')]
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`)
    await bob.say(lines.join('\n'))
    await bob.say(lines.toReversed().join('\n'))
    await eventually('Ada has it all', async () => (await ada.messages()).length === 2)
    const scroller = ada.page.locator('.scroller')
    await scroller.evaluate((box) => box.scrollTo({ top: 0 }))
    await eventually('she reads above', () => scroller.evaluate((box) => box.scrollTop === 0))
    await bob.say('Below')
    await ada.page.getByTestId('news-below').waitFor()
    expect(await scroller.evaluate((box) => box.scrollTop)).toBe(0)
    const atEnd = () => scroller.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 2)
    await ada.page.getByTestId('news-below').click()
    await eventually('she is at the end', atEnd)
    await eventually('the mark is gone', async () => (await ada.page.getByTestId('news-below').count()) === 0)
    await scroller.evaluate((box) => box.scrollTo({ top: 0 }))
    await eventually('she reads above', () => scroller.evaluate((box) => box.scrollTop === 0))
    await ada.say('Mine')
    await eventually('she sees her own', atEnd)
  })
})
