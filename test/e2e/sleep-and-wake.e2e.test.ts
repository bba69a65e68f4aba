/**
 * What becomes of a page that sleeps: behind another tab, frozen by the browser, put away when its person went to
 * another page, or with the whole laptop. However it wakes up, it finds its way back by itself, and what was said is
 * there, once.
 */
import { chromium, type CDPSession, type Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { apply, signIn, utterance } from '../wire/api-caller.ts'
import { Person } from './person.ts'
import { chromiumPath, useOwnStage } from './stage.ts'

/** What a test calls a page, which is its own and is lost with it. */
const nameOf = (page: Page): Promise<string> => page.evaluate(() => window.name)

const HOUR_MS = 3_600_000
/** By the protocol silence of two and a half heartbeats ends a connection: fifty seconds. A page that is shown asks. */
const SOONER_THAN_SILENCE_MS = 25_000

describe.skipIf(chromiumPath === undefined)('a page that sleeps', () => {
  const stage = useOwnStage()

  /** Somebody who is elsewhere says something. */
  async function isSaid(space: string, ...texts: string[]): Promise<void> {
    const bob = await signIn(stage().apiUrl, 'Bob')
    const enter = { space, name: 'being.move', args: { id: bob.being.id } }
    await apply(stage().apiUrl, bob.token, enter, ...texts.map((text) => utterance(space, text)))
  }

  const devtoolsOf = (page: Page): Promise<CDPSession> => page.context().newCDPSession(page)
  const setLife = (devtools: CDPSession, state: 'frozen' | 'active') =>
    devtools.send('Page.setWebLifecycleState', { state })

  /** How many sockets the page opens from now on, and what it asks for over HTTP, in order. */
  function listenTo(page: Page): { sockets: number; asked: string[] } {
    const heard = { sockets: 0, asked: new Array<string>() }
    page.on('websocket', () => {
      heard.sockets += 1
      heard.asked.push('a socket')
    })
    page.on('request', (request) => heard.asked.push(`${request.method()} ${new URL(request.url()).pathname}`))
    return heard
  }

  /** And it has arrived, so that what others say comes after it. */
  async function says(ada: Person, text: string): Promise<void> {
    await ada.say(text)
    await ada.sees(text)
    await eventually('nothing waits', async () => (await ada.page.getByTestId('sending').count()) === 0)
  }

  const sees = async ({ page }: Person | { page: Page }, texts: readonly string[]): Promise<void> => {
    const said = async (): Promise<string[]> => page.getByTestId('message-text').allInnerTexts()
    await eventually(`only ${texts.join(', ')} is there`, async () => (await said()).join('\n') === texts.join('\n'))
  }

  test('C7 a page that is shown again finds out soon that its connection is dead', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    const said: string[] = []
    // One of the two carries her; it stops without a word while nobody looks.
    for (const gateway of stage().cluster.gateways) {
      await ada.show(false)
      gateway.signal('SIGSTOP')
      try {
        said.push(`while ${gateway.name} stood still`)
        await isSaid(room, said.at(-1) ?? '')
        const shownAt = performance.now()
        await ada.show(true)
        await sees(ada, said)
        expect(performance.now() - shownAt).toBeLessThan(SOONER_THAN_SILENCE_MS)
      } finally {
        gateway.signal('SIGCONT')
      }
      await ada.isLive()
    }
  })
  test('C233 a page that was frozen and resumed has what was said meanwhile, and what it wrote arrives once', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada')
    await says(ada, 'Before')
    const devtools = await devtoolsOf(ada.page)
    await setLife(devtools, 'frozen')
    await isSaid(room, 'While it was frozen')
    await setLife(devtools, 'active')
    await sees(ada, ['Before', 'While it was frozen'])
    // What is still on its way when the page is frozen.
    for (const node of stage().cluster.apis) node.signal('SIGSTOP')
    await ada.say('On its way')
    await ada.page.getByTestId('sending').waitFor()
    await setLife(devtools, 'frozen')
    for (const node of stage().cluster.apis) node.signal('SIGCONT')
    await isSaid(room, 'After it')
    await setLife(devtools, 'active')
    await eventually('all of it is there', async () => (await ada.messages()).length === 4)
    await eventually('nothing waits', async () => (await ada.page.getByTestId('sending').count()) === 0)
    await ada.isLive()
    expect((await ada.messages()).toSorted()).toEqual(['After it', 'Before', 'On its way', 'While it was frozen'])
  })

  test('C234 C158 a page that comes from the back-forward cache goes on as it was, with what was said meanwhile', async () => {
    const room = await stage().newSpace('The room')
    // Browsers that are driven have no such cache unless they are told to.
    const browser = await chromium.launch({
      ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    })
    try {
      const address = `${stage().webUrl}/spaces/${encodeURIComponent(room)}`
      const ada = await Person.signIn(await browser.newContext(), address, 'Ada')
      await says(ada, 'Before')
      await ada.page.evaluate(() => {
        window.name = 'the same page'
        window.addEventListener('pageshow', ({ persisted }) => (window.name = persisted ? 'from the cache' : 'new'))
      })
      await ada.page.goto(`${stage().webUrl}/manifest.webmanifest`, { waitUntil: 'commit' })
      await isSaid(room, 'While she was elsewhere')
      await ada.page.goBack({ waitUntil: 'commit' })
      await eventually('it is the same page', async () => (await nameOf(ada.page)) === 'from the cache')
      await sees(ada, ['Before', 'While she was elsewhere'])
      await ada.isLive()
      await ada.say('And on')
      await sees(ada, ['Before', 'While she was elsewhere', 'And on'])
      await eventually('it is sent', async () => (await ada.page.getByTestId('sending').count()) === 0)
      expect(await nameOf(ada.page)).toBe('from the cache')
    } finally {
      await browser.close()
    }
  })

  test('C130 a laptop that slept past the end of its token renews it before it does anything else', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada', { withClock: true })
    await says(ada, 'Before')
    await ada.show(false)
    await isSaid(room, 'Just before')
    await sees(ada, ['Before', 'Just before'])
    await ada.seesAuthor('Bob')
    const heard = listenTo(ada.page)
    // Its timers stood still: the date alone has gone on.
    await ada.page.clock.setSystemTime(Date.now() + 30 * HOUR_MS)
    await ada.show(true)
    await eventually('it asked for something', () => heard.asked.length > 0)
    expect(heard.asked[0]).toBe('POST /v1/sessions/current/refresh')
    await ada.isLive()
    expect(heard.asked.filter((what) => what.endsWith('/refresh'))).toHaveLength(1)
    await isSaid(room, 'After it')
    await ada.say('And on')
    await eventually('both are there', async () => (await ada.messages()).length === 4)
  })

  test('C235 timers that are overdue by hours fall due together, and cost no more than one would', async () => {
    const room = await stage().newSpace('The room')
    const ada = await stage().enter(room, 'Ada', { withClock: true })
    await says(ada, 'Before')
    const heard = listenTo(ada.page)
    await isSaid(room, 'Meanwhile')
    await ada.page.clock.fastForward(5 * HOUR_MS)
    await sees(ada, ['Before', 'Meanwhile'])
    await ada.isLive()
    await ada.say('And on')
    await sees(ada, ['Before', 'Meanwhile', 'And on'])
    expect(heard.sockets).toBeLessThanOrEqual(2)
    expect(heard.asked.length).toBeLessThanOrEqual(12)
  })
})
