/**
 * What one writes while nobody answers: it stands in its place, outlives a reload and a crash, and arrives once.
 * Everything is killed for it, the api and the gateways; the page alone can still be loaded.
 */
import type { Page } from 'playwright-core'
import { afterEach, describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, signIn } from '../wire/api-caller.ts'
import type { Person } from './person.ts'
import { chromiumPath, useOwnStage } from './stage.ts'

describe.skipIf(chromiumPath === undefined)('written while nobody answers', () => {
  const stage = useOwnStage()

  const everything = () => [...stage().cluster.apis, ...stage().cluster.gateways]
  const killEverything = () => Promise.all(everything().map((node) => node.kill()))
  const startEverything = () => Promise.all(everything().flatMap((node) => (node.isRunning ? [] : [node.start()])))
  afterEach(startEverything)

  /** The process of the page dies, as by the system's hand. */
  async function crash({ page }: Person): Promise<void> {
    const crashed = page.waitForEvent('crash')
    const devtools = await page.context().newCDPSession(page)
    void devtools.send('Page.crash').catch(() => undefined)
    await crashed
  }

  /** Somebody in a space, all of it having arrived. */
  async function settled(space: string, name: string): Promise<Person> {
    const person = await stage().enter(space, name)
    await person.page.getByPlaceholder('Write a message').waitFor()
    await person.page.getByTestId('presence-here').first().waitFor()
    return person
  }

  const waiting = ({ page }: { page: Page }) => page.getByTestId('sending').getByTestId('message-text').allInnerTexts()
  const waits = ({ page }: { page: Page }, text: string) =>
    page.getByTestId('sending').getByText(text, { exact: true }).waitFor()
  const expectNothingWaits = (who: { page: Page }) =>
    eventually('nothing waits', async () => (await waiting(who)).length === 0)
  const expectOnly = (person: Person, ...texts: string[]) => person.seesOnly(...texts)
  const isKept = ({ page }: { page: Page }) => page.getByText('It is kept on this device').waitFor()
  const arrives = (person: Person, ...texts: string[]) =>
    eventually(
      'all of it is there, confirmed, once',
      async () => (await person.messages()).join() === texts.join() && (await waiting(person)).length === 0,
      90_000,
    )

  test('W80 W87 it is in its place after a reload, marked, and delivered once', async () => {
    const room = await stage().newSpace('The room')
    const [ada, bob] = [await settled(room, 'Ada'), await settled(room, 'Bob')]
    await bob.say('Before')
    await ada.sees('Before')
    await killEverything()
    await ada.say('First')
    await ada.say('Second')
    await waits(ada, 'Second')
    await isKept(ada)
    const reloadedAtMs = Date.now()
    await ada.page.reload()
    await waits(ada, 'Second')
    process.stderr.write(`painted ${Date.now() - reloadedAtMs} ms after a reload with everything dead\n`)
    await expectOnly(ada, 'Before', 'First', 'Second')
    await eventually('both wait', async () => (await waiting(ada)).join() === 'First,Second')
    expect(await ada.page.locator('main.space').getAttribute('data-current')).toBe('false')
    await startEverything()
    await Promise.all([arrives(ada, 'Before', 'First', 'Second'), arrives(bob, 'Before', 'First', 'Second')])
  })

  test('W81 W87 it is still there after a look into another space, and the page does not say that it sends', async () => {
    const [room, other] = [await stage().newSpace('The room'), await stage().newSpace('Another')]
    const ada = await settled(room, 'Ada')
    const goTo = (space: string) =>
      ada.page.evaluate((id) => {
        window.history.pushState({}, '', `/spaces/${encodeURIComponent(id)}`)
        window.dispatchEvent(new PopStateEvent('popstate'))
      }, space)
    const isIn = (space: string) => ada.page.getByTestId('own-location').getByText(space, { exact: true }).waitFor()
    await isIn(room)
    await goTo(other)
    await isIn(other)
    await goTo(room)
    await isIn(room)
    const [api] = stage().cluster.apis
    await api?.kill()
    await ada.say('Waits')
    await ada.page.getByTestId('unsent').waitFor()
    await ada.page.getByTestId('sync-status').getByText('Not sending').first().waitFor()
    await goTo(other)
    await ada.page.getByTestId('space-name').getByText('Another').waitFor()
    await ada.page.getByTestId('unsent').waitFor()
    await goTo(room)
    await waits(ada, 'Waits')
    await api?.start()
    await arrives(ada, 'Waits')
    await ada.page.getByTestId('sync-status').getByText('Live').first().waitFor()
    await ada.page.getByTestId('unsent').waitFor({ state: 'detached' })
    await expectNothingWaits(ada)
  })

  test('W82 another tab shows it, and sends it when the tab that was to send has crashed', async () => {
    const room = await stage().newSpace('The room')
    const ada = await settled(room, 'Ada')
    const second = await ada.openTab()
    await second.page.getByPlaceholder('Write a message').waitFor()
    await killEverything()
    await ada.say('By the first')
    await waits(second, 'By the first')
    await second.say('By the second')
    await waits(ada, 'By the second')
    await crash(ada)
    await startEverything()
    await arrives(second, 'By the first', 'By the second')
    const third = await second.openTab()
    await crash(second)
    const askedAtMs = Date.now()
    await third.say('With nothing to wait for')
    await arrives(third, 'By the first', 'By the second', 'With nothing to wait for')
    process.stderr.write(`sent ${Date.now() - askedAtMs} ms after the page that sends had crashed\n`)
    const reader = await settled(room, 'Reader')
    await expectOnly(reader, 'By the first', 'By the second', 'With nothing to wait for')
  })

  test('W83 a browser that keeps nothing is told of, and everything else goes on', async () => {
    const room = await stage().newSpace('The room')
    const ada = await settled(room, 'Ada')
    await ada.page.addInitScript(() => {
      Object.defineProperty(window, 'indexedDB', {
        value: {
          open() {
            throw new DOMException('refused', 'SecurityError')
          },
        },
      })
    })
    await ada.reload()
    await ada.page.getByTestId('not-kept').getByText('lets the page keep nothing').waitFor()
    await ada.say('Said all the same')
    await arrives(ada, 'Said all the same')
    await ada.page.getByTestId('unsent').waitFor({ state: 'detached' })
    await expectNothingWaits(ada)
  })

  test('W84 what is cancelled is taken back, also where the request was on its way', async () => {
    const room = await stage().newSpace('The room')
    const [ada, bob] = [await settled(room, 'Ada'), await settled(room, 'Bob')]
    const [api] = stage().cluster.apis
    await api?.kill()
    await ada.say('Never mind')
    await ada.page.getByTestId('unsent').waitFor()
    await ada.page.getByTestId('cancel-sending').click()
    await eventually('it is gone', async () => (await ada.messages()).length === 0)
    await ada.rename('own-name', 'Eve')
    await ada.page.getByTestId('own-name-cancel').click()
    await ada.page.getByTestId('own-name').getByText('Ada').waitFor()
    await api?.start()
    await ada.say('After all')
    await Promise.all([arrives(ada, 'After all'), arrives(bob, 'After all')])
    expect(await ada.page.getByTestId('own-name').innerText()).toContain('Ada')
    await bob.seesAuthor('Ada')
  })

  test('W85 what is refused says why, and can be edited, retried or dropped', async () => {
    const room = await stage().newSpace('The room')
    const ada = await settled(room, 'Ada')
    // As the api does, what was refused once is refused again under its id.
    const ids = new Set<string>()
    let refusals = 0
    await ada.page.route('**/v1/mutations', (route) => {
      const { mutations } = JSON.parse(route.request().postData() ?? '{}') as { mutations: { id: string }[] }
      if (!mutations.some(({ id }) => ids.has(id)) && refusals-- <= 0) return route.continue()
      for (const { id } of mutations) ids.add(id)
      const error = { code: 'forbidden', message: 'Not like that' }
      return route.fulfill({ json: { results: mutations.map(({ id }) => ({ id, status: 'rejected', error })) } })
    })
    const refused = ada.page.getByTestId('refused')
    refusals = 1
    await ada.say('One')
    await refused.getByText('Not like that').waitFor()
    await eventually('it is taken out', async () => (await ada.messages()).length === 0)
    await ada.reload()
    await refused.getByText('Not like that').waitFor()
    await refused.getByText('Retry').click()
    await arrives(ada, 'One')
    refusals = 1
    await ada.say('Two')
    await refused.getByText('Edit').click()
    await ada.isWriting('Two')
    await ada.erase()
    refusals = 1
    await ada.say('Three')
    await refused.getByText('Drop').click()
    await eventually('nothing is left of it', async () => (await refused.count()) === 0)
    await arrives(ada, 'One')
    expect(await refused.count()).toBe(0)
  })

  test('W86 W88 W147 signing out with something unsent, or as a guest, asks first, erases it, and takes the other tabs along', async () => {
    const room = await stage().newSpace('The room')
    const ada = await settled(room, 'Ada')
    const second = await ada.openTab()
    const [api] = stage().cluster.apis
    await api?.kill()
    await ada.say('Unsent')
    await ada.page.getByTestId('unsent').waitFor()
    await ada.page.getByTestId('sign-out').click()
    const question = ada.page.getByTestId('sign-out-question')
    await question.getByText('One thing is not sent yet').waitFor()
    await question.getByText('Stay').click()
    await waits(ada, 'Unsent')
    await ada.page.getByTestId('sign-out').click()
    await ada.page.getByTestId('sign-out-anyway').click()
    for (const tab of [ada, second]) await tab.page.getByTestId('name-input').waitFor()
    await eventually('nothing is kept of her', async () => {
      const names = await ada.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
      return names.length === 0
    })
    await api?.start()
    const reader = await signIn(stage().apiUrl, 'Reader')
    await apply(stage().apiUrl, reader.token, { space: room, name: 'being.move', args: { id: reader.being.id } })
    await ada.page.getByTestId('name-input').fill('Bob')
    await ada.page.getByTestId('sign-in').click()
    await ada.isLive()
    await second.isLive()
    await ada.say('Only this')
    await Promise.all([arrives(ada, 'Only this'), arrives(second, 'Only this')])
    await expectOnly(second, 'Only this')
    // Nothing waits by now: what a guest loses is who they are.
    await ada.page.reload()
    await ada.isLive()
    await ada.page.getByTestId('sign-out').click()
    await question.getByText('nobody can be Bob again').waitFor()
    expect(await question.getByText('not sent yet').count()).toBe(0)
    await question.getByText('Stay').click()
    await ada.sees('Only this')
  })
})
