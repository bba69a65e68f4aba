/**
 * Nothing makes the page white: no address, no error in drawing wherever it happens, no storage that is refused or full
 * of nonsense, no server that says what nobody understands. What broke says so in words, and has a way out.
 */
import { describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, signIn, utterance } from '../wire/api-caller.ts'
import { alterAnswers } from './altered-answers.ts'
import { PATIENCE_MS, type Person } from './person.ts'
import { heal, makeBreakable, plant } from './planted-fault.ts'
import { chromiumPath, useSharedStage } from './stage.ts'

/** Elements that stand in one part of the page alone. */
const ONLY_IN = { composer: 'textarea', home: 'select', frame: 'nav', signIn: 'label', words: 'button' }

describe.skipIf(chromiumPath === undefined)('a page that cannot be white', () => {
  const stage = useSharedStage()

  /** As typed into the address bar. */
  const open = async ({ page }: Person, path: string): Promise<void> => {
    await page.goto(new URL(path, page.url()).href)
  }

  /** As a link in the page leads there, so that no server has a say. */
  const goWithin = (page: Page, path: string): Promise<void> =>
    page.evaluate((to) => {
      window.history.pushState({ odd: [Number.NaN] }, '', to)
      window.dispatchEvent(new PopStateEvent('popstate'))
    }, path)

  const fault = ({ page }: Person) => page.getByTestId('fault')

  /** It is given the focus once it is drawn. */
  const hasFocus = (who: Person) =>
    eventually('what is said has the focus', () => fault(who).evaluate((box) => box === document.activeElement))

  /** Somebody in a space with something half written, whose pages can be made to break. */
  async function someoneWriting(): Promise<{ ada: Person; room: string; path: string }> {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    await ada.type('Half a thought')
    await makeBreakable(ada.page)
    return { ada, room, path: new URL(ada.page.url()).pathname }
  }

  /** That one fault was told once. */
  async function expectOneComplaint(): Promise<void> {
    expect(await stage().complaintsOf('rhizom: a part could not be drawn')).toHaveLength(1)
  }

  test('W50 W52 W164 whatever the address, there is a page; odd queries, hashes and histories do not matter', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    for (const path of ['/spaces/%25', '/spaces/%25E0', '/spaces/@a%2Fb', '/spaces', '/nowhere/%25/at/all']) {
      await open(ada, path)
      await ada.page.getByTestId('not-found').getByText('There is nothing here').waitFor()
      await ada.isLive()
    }
    for (const path of ['/spaces/%E0', '/spaces/%', '/%C3%28', `/spaces/${'%25'.repeat(2_000)}`]) {
      await goWithin(ada.page, path)
      await ada.page.getByTestId('not-found').waitFor()
    }
    await open(ada, `/spaces/${room.slice(1)}`)
    const link = ada.page.getByTestId('not-found').getByRole('link', { name: room, exact: true })
    await ada.page.evaluate(() => document.body.setAttribute('data-same', ''))
    await link.click()
    await ada.page.getByTestId('space-name').getByText('The room').waitFor()
    await ada.page.goBack()
    const another = ada.page.context().waitForEvent('page')
    await link.click({ modifiers: ['ControlOrMeta'] })
    await (await another).close()
    await link.click()
    await ada.page.getByTestId('space-name').getByText('The room').waitFor()
    expect(await ada.page.locator('body[data-same]').count()).toBe(1)
    for (const path of [`/spaces/${room}?%E0=%#%`, `/spaces/%40${room.slice(1)}/#/%25`]) {
      await open(ada, path)
      await ada.page.getByTestId('space-name').getByText('The room').waitFor()
    }
    expect(stage().complaints()).toEqual([])
  })

  test('W165 where the address of the page is not served, whoever is there is told whom to tell', async () => {
    const ada = await stage().enter(await stage().newSpace('The room'), 'Ada')
    await ada.page.routeWebSocket(/\/v1\/sync$/, (socket) => socket.close({ code: 4503, reason: 'origin not allowed' }))
    await ada.page.reload()
    const banner = ada.page.getByTestId('sync-banner')
    await banner.getByText(`it has to allow ${new URL(ada.page.url()).origin}`).waitFor()
    expect(await banner.getByRole('button').count()).toBe(0)
  })

  test('W61 W63 a page that breaks says so and leaves the rest; elsewhere all is well, and what was typed is kept', async () => {
    const { ada, path } = await someoneWriting()
    await plant(ada.page, ONLY_IN.composer)
    await ada.page.reload()
    await fault(ada).getByRole('heading', { name: 'This page could not be shown' }).waitFor()
    await fault(ada).getByText('What you were writing is kept.').waitFor()
    expect(await fault(ada).getAttribute('role')).toBe('alert')
    await hasFocus(ada)
    expect(await fault(ada).innerText()).not.toMatch(/planted|Error|\bat\b.*:\d/)
    await ada.isLive()
    await expectOneComplaint()

    await fault(ada).getByRole('link', { name: 'Back to your spaces' }).click()
    await ada.page.getByRole('heading', { name: 'Spaces', level: 1 }).waitFor()
    await fault(ada).waitFor({ state: 'detached' })

    await ada.page.goBack()
    await fault(ada).waitFor()
    expect(new URL(ada.page.url()).pathname).toBe(path)
    await expectOneComplaint()
    await heal(ada.page)
    await fault(ada).getByRole('button', { name: 'Reload' }).click()
    await ada.isWriting('Half a thought')

    await plant(ada.page, ONLY_IN.home)
    await ada.page.getByRole('link', { name: 'New space' }).click()
    await fault(ada).getByRole('button', { name: 'Reload' }).waitFor()
    expect(await fault(ada).getByRole('link').count()).toBe(0)
    await expectOneComplaint()
  })

  test('W61 whoever is busy beside a page that breaks is not taken away from it', async () => {
    const { ada } = await someoneWriting()
    await ada.page.reload()
    await goWithin(ada.page, '/')
    await ada.page.getByTestId('own-name-edit').click()
    await ada.page.getByTestId('own-name-input').fill('Ada the')
    await plant(ada.page, ONLY_IN.composer)
    await ada.page.evaluate(() => window.history.back())
    await fault(ada).waitFor()
    await ada.page.keyboard.type(' First')
    expect(await ada.page.getByTestId('own-name-input').inputValue()).toBe('Ada the First')
    await expectOneComplaint()
  })

  test('W60 a message that breaks does not take the others with it, and says whose it is', async () => {
    const { ada, room } = await someoneWriting()
    const bob = await signIn(stage().apiUrl, 'Bob')
    await apply(
      stage().apiUrl,
      bob.token,
      { space: room, name: 'being.move', args: { id: bob.being.id } },
      ...['Before', 'The word that breaks', 'After'].map((text) => utterance(room, text)),
    )
    await ada.sees('After')
    await plant(ada.page, 'The word that breaks')
    await ada.page.reload()
    await Promise.all([ada.sees('Before'), ada.sees('After')])
    await ada.page.getByTestId('message-not-shown').getByText(bob.being.id).waitFor()
    await eventually('the others are there', async () => (await ada.messages()).join() === 'Before,After')
    await expectOneComplaint()
  })

  test('W62 W64 where all of it breaks one can load it again, and if that does not help begin anew', async () => {
    const { ada } = await someoneWriting()
    await plant(ada.page, ONLY_IN.frame)
    await ada.page.reload()
    await fault(ada).getByRole('heading', { name: 'rhizom could not be shown' }).waitFor()
    await hasFocus(ada)
    const startAgain = ada.page.getByRole('button', { name: 'start again' })
    expect(await startAgain.count()).toBe(0)
    await expectOneComplaint()

    await fault(ada).getByRole('button', { name: 'Reload' }).click()
    await startAgain.waitFor()
    await heal(ada.page)
    await ada.page.reload()
    await ada.isLive()
    await ada.isWriting('Half a thought')

    await plant(ada.page, ONLY_IN.frame)
    await ada.page.reload()
    await startAgain.click()
    await ada.page.getByTestId('name-input').waitFor()
    const kept = await ada.page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)])
    expect(kept.filter((key) => key.startsWith('rhizom.'))).toEqual([])
    await eventually('both were complained of', () => stage().complained === 2)
    stage().complaints()
  })

  test('W62 W67 the way in may break, and the words about it too: something is always said', async () => {
    const { ada } = await someoneWriting()
    await ada.page.getByTestId('sign-out').click()
    await ada.page.getByTestId('sign-out-anyway').click()
    await plant(ada.page, ONLY_IN.signIn)
    await ada.page.reload()
    await fault(ada).getByRole('link', { name: 'Back to your spaces' }).waitFor()
    await expectOneComplaint()

    await plant(ada.page, ONLY_IN.words)
    await ada.page.reload()
    await ada.page.getByRole('link', { name: 'Reload' }).waitFor()
    await eventually('it was complained of', () => stage().complained > 0)
    stage().complaints()

    await heal(ada.page)
    await ada.page.getByRole('link', { name: 'Reload' }).click()
    await ada.page.getByTestId('name-input').waitFor()
  })

  test('W67 a page whose script does not come says so', async () => {
    const { ada } = await someoneWriting()
    await ada.page.route('**', (route) =>
      route.request().resourceType() === 'script' ? route.abort() : route.fallback(),
    )
    await ada.page.reload()
    await ada.page.getByText('rhizom is not running here').waitFor()
    const opacity = () => ada.page.locator('.without-page').evaluate((box) => getComputedStyle(box).opacity)
    await expect.poll(opacity, { timeout: PATIENCE_MS }).toBe('1')
  })

  test('W69 no code is made from text', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    // A policy that forbids it tells of each attempt, also of one that is caught.
    await ada.page.addInitScript(() => {
      const policy = document.createElement('meta')
      policy.httpEquiv = 'Content-Security-Policy'
      policy.content = "script-src 'self' 'unsafe-inline'"
      new MutationObserver((_changes, observer) => {
        if (document.head === null) return
        observer.disconnect()
        document.head.prepend(policy)
      }).observe(document, { childList: true, subtree: true })
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        reportError(new Error(`${violatedDirective} forbids ${blockedURI}`)),
      )
    })
    await ada.reload()
    await ada.say('Nothing up my sleeve')
    await ada.sees('Nothing up my sleeve')
    expect(stage().complaints()).toEqual([])
  })

  test('W65 where the browser refuses all it could keep and share, one signs in and writes', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada', { withClock: true })
    await ada.page.addInitScript(() => {
      const refuse = () => {
        throw new DOMException('Access is denied for this document.', 'SecurityError')
      }
      const rejects = () => Promise.reject(new DOMException('The request was denied.', 'SecurityError'))
      for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get: refuse })
      Object.defineProperty(window, 'BroadcastChannel', { value: refuse })
      Object.defineProperty(navigator.locks, 'request', { value: rejects })
      Object.defineProperty(navigator.locks, 'query', { value: rejects })
    })
    await ada.page.reload()
    await ada.page.getByTestId('name-input').fill('Ada in private')
    await ada.page.getByTestId('sign-in').click()
    await ada.say('Nothing of this is kept')
    await ada.sees('Nothing of this is kept')
    // Out of sight for long: the others would be asked.
    await ada.show(false)
    await ada.fastForward(31_000)
    await ada.show(true)
    await ada.isLive()
    expect(stage().complaints()).toEqual([])
  })

  test('W65 nonsense in what is kept is as good as nothing', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    const nonsense = [
      '{',
      'null',
      '[]',
      '{"token":7}',
      '{"token":"x","expiresAt":1e300,"being":{}}',
      '\u0000',
      '"'.repeat(99),
    ]
    for (const value of nonsense) {
      await ada.page.evaluate((text) => {
        window.localStorage.setItem('rhizom.session', text)
        window.sessionStorage.setItem('rhizom.drafts', text)
        window.sessionStorage.setItem('rhizom.reloaded-at', text)
      }, value)
      await ada.page.reload()
      await ada.page.getByTestId('name-input').waitFor()
    }
    expect(stage().complaints()).toEqual([])
  })

  test('W66 W68 W78 absurd times and unknown content can be read around; a server too new is said to be one', async () => {
    const room = await stage().newSpace('The room')
    const bob = await signIn(stage().apiUrl, 'Bob')
    const look = utterance(room, '')
    await apply(
      stage().apiUrl,
      bob.token,
      { space: room, name: 'being.move', args: { id: bob.being.id } },
      utterance(room, 'From the end of time'),
      { ...look, args: { ...look.args, content: ['Look: ', { type: 'hologram', depth: [{ of: null }] }] } },
    )
    const ada = await stage().enter(room, 'Ada', { withClock: true })
    for (const ms of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      await alterAnswers(ada.page, (text) =>
        text.replaceAll(/"(createdAt|modifiedAt|since|lastSeenAt)":\d+/g, `"$1":${ms}`),
      )
      await ada.page.reload()
      await ada.sees('From the end of time')
      await ada.sees('Look: [hologram]')
    }

    // What this page does not know is left out, and said to be; the rest of the space is there.
    await alterAnswers(ada.page, (text) => text.replaceAll('"type":"utterance"', '"type":"reminiscence"'))
    await ada.page.reload()
    await ada.page.getByTestId('left-out').getByText('The server is newer than this page').waitFor()
    await ada.page.getByTestId('space-name').getByText('The room').waitFor()
    expect(await ada.page.getByTestId('message').count()).toBe(0)

    await alterAnswers(ada.page, (text) => text.replaceAll('"visibility":"public"', '"visibility":"by-moonlight"'))
    await ada.reload()
    await ada.page.getByText('Loading the space…').waitFor()
    await ada.fastForward(9_000)
    await ada.page.getByText('The server may be newer than this page.').waitFor()
    await ada.page.getByRole('link', { name: 'See all spaces' }).click()
    await ada.page.getByRole('heading', { name: 'Spaces', level: 1 }).waitFor()
    for (const complaint of stage().complaints())
      expect(complaint).toMatch(/a frame was not understood|left out, as this client does not know it/)
  })
})
