/**
 * Presence in a real browser: three people on two gateways, one of them with two tabs. Coming, typing and being away
 * are seen by the others; a reload never makes anybody blink; the last tab makes its person leave, with the time; a
 * gateway that is killed takes only those with it who do not come back, within its lease.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Being } from '@rhizom/protocol'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, eventually, freePort, provided, startCluster } from '../cluster/cluster.ts'
import { WireSocket } from '../wire/checking-client.ts'
import { apply, call, freshId, signIn } from '../wire/api-caller.ts'

const executablePath = process.env['TEST_CHROMIUM']
const root = fileURLToPath(new URL('../..', import.meta.url))

const GRACE_MS = 2_500
const LEASE_MS = 3_000
/** The web client calls a person away after so long out of sight. */
const AWAY_AFTER_MS = 30_000

interface Person {
  id: string
  name: string
  context: BrowserContext
  page: Page
}

/** What happened to one being's entry in a list, seen from within the page. */
interface Sightings {
  vanished: number
}

declare global {
  interface Window {
    sightings?: Sightings
  }
}

describe.skipIf(executablePath === undefined)('who is here, on three screens and two gateways', () => {
  let cluster: Cluster
  let web: ChildProcess
  let pageUrl: string
  let browser: Browser
  let space: string
  const faults: string[] = []

  const live = (page: Page): Promise<void> => page.locator('[data-testid=sync-status][data-status=live]').waitFor()

  const openTab = async (context: BrowserContext): Promise<Page> => {
    const page = await context.newPage()
    page.on('pageerror', (error) => faults.push(String(error)))
    await page.goto(`${pageUrl}/spaces/${encodeURIComponent(space)}`)
    return page
  }

  const openAs = async (name: string): Promise<Person> => {
    const context = await browser.newContext()
    context.setDefaultTimeout(20_000)
    await context.clock.install()
    const page = await openTab(context)
    await page.getByTestId('name-input').fill(name)
    await page.getByTestId('sign-in').click()
    await live(page)
    const own = page.getByTestId('presence-here').filter({ hasText: '(you)' })
    await own.waitFor()
    return { id: (await own.getAttribute('data-being')) ?? '', name, context, page }
  }

  /** Read in one go: an item that goes between two questions would be waited for. */
  const hereOf = async (page: Page): Promise<string[]> => {
    const items = page.getByTestId('presence-here')
    const beings = await items.evaluateAll((all) => all.map((item) => item.getAttribute('data-being') ?? ''))
    return beings.toSorted()
  }

  const allSee = async (people: readonly Person[], expected: readonly Person[], withinMs = 15_000): Promise<void> => {
    const ids = expected.map(({ id }) => id).toSorted()
    let lists: string[][] = []
    const isSo = async () => {
      lists = await Promise.all(people.map(({ page }) => hereOf(page)))
      return lists.every((list) => JSON.stringify(list) === JSON.stringify(ids))
    }
    const names = expected.map(({ name }) => name).join(', ')
    try {
      await eventually(`everybody sees ${names}`, isSo, withinMs)
    } catch (cause) {
      const seen = people.map(({ name }, index) => `${name} sees ${lists[index]?.join(' ')}`)
      throw new Error(`not all see ${ids.join(' ')}: ${seen.join('; ')}`, { cause })
    }
  }

  /** Counts every moment in which a being is not among those here, from now on. */
  const watchFor = (page: Page, being: string): Promise<void> =>
    page.evaluate((id) => {
      const isHere = () => document.querySelector(`[data-testid="presence-here"][data-being="${id}"]`) !== null
      const sightings = { vanished: isHere() ? 0 : 1 }
      window.sightings = sightings
      const list = document.querySelector('aside.presence')
      if (list === null) throw new Error('there is no list of people')
      new MutationObserver(() => {
        if (!isHere()) sightings.vanished += 1
      }).observe(list, { childList: true, subtree: true })
    }, being)

  const vanished = (page: Page): Promise<number | undefined> => page.evaluate(() => window.sightings?.vanished)

  /** Puts a page out of sight, or back: what a browser does to a tab behind another. */
  const setVisible = (page: Page, visible: boolean): Promise<void> =>
    page.evaluate(
      (state) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
        document.dispatchEvent(new Event('visibilitychange'))
      },
      visible ? 'visible' : 'hidden',
    )

  const entry = (page: Page, testId: 'presence-here' | 'presence-away', { id }: Person) =>
    page.locator(`[data-testid="${testId}"][data-being="${id}"]`)

  beforeAll(async () => {
    cluster = await startCluster({
      adminDatabaseUrl: provided('TEST_DATABASE_URL'),
      redisUrl: provided('TEST_REDIS_URL'),
      gateways: 2,
      env: { gateway: { PRESENCE_GRACE_MS: String(GRACE_MS), PRESENCE_LEASE_MS: String(LEASE_MS) } },
    })
    const api = cluster.apis[0]?.url ?? ''
    const founder = await signIn(api, 'Founder')
    space = freshId('room')
    await apply(api, founder.token, { space, name: 'space.create', args: { name: 'The room' } })
    const port = await freePort()
    pageUrl = `http://127.0.0.1:${port}`
    web = spawn(process.execPath, ['node_modules/vite/bin/vite.js'], {
      cwd: `${root}web`,
      env: {
        PATH: process.env['PATH'] ?? '',
        PORT: String(port),
        API_URLS: api,
        GATEWAY_URLS: cluster.gateways.map((node) => node.url).join(','),
      },
      stdio: 'ignore',
    })
    await eventually('the web client answers', async () => {
      try {
        return (await fetch(pageUrl)).ok
      } catch {
        return false
      }
    })
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    })
  })

  afterAll(async () => {
    await browser?.close()
    web?.kill('SIGTERM')
    await cluster?.stop()
  })

  test('coming, typing, being away, a reload, two tabs and a killed gateway, as the others see them', async () => {
    const ada = await openAs('Ada')
    const bob = await openAs('Bob')
    await allSee([ada, bob], [ada, bob])
    const cy = await openAs('Cy')
    await allSee([ada, bob, cy], [ada, bob, cy])
    await ada.page.getByTestId('presence-count').getByText('3 here', { exact: true }).waitFor()

    // Typing is seen while it lasts, and ends with the message.
    await ada.page.getByTestId('message-input').pressSequentially('Hello')
    await bob.page.getByTestId('typing').getByText('Ada is typing…').waitFor()
    await cy.page.getByTestId('message-input').pressSequentially('Well')
    await bob.page.getByTestId('typing').getByText('Ada and Cy are typing…').waitFor()
    await ada.page.getByTestId('message-input').press('Enter')
    await bob.page.getByTestId('message-text').getByText('Hello', { exact: true }).waitFor()
    await eventually(
      'Ada stops typing',
      async () => !(await bob.page.getByTestId('typing').innerText()).includes('Ada'),
    )
    expect(await ada.page.getByTestId('typing').innerText()).not.toContain('Ada')

    // A reload of one, on whichever gateway it lands, moves nothing on the screens of the others.
    await Promise.all([watchFor(ada.page, bob.id), watchFor(cy.page, bob.id)])
    for (let round = 0; round < 3; round += 1) {
      await bob.page.reload()
      await live(bob.page)
      await allSee([bob], [ada, bob, cy])
    }
    await expectStill([ada, cy], 'here', bob)
    expect([await vanished(ada.page), await vanished(cy.page)]).toEqual([0, 0])

    // Away is a state of somebody who is here.
    await setVisible(cy.page, false)
    await cy.page.clock.fastForward(AWAY_AFTER_MS + 1)
    for (const { page } of [ada, bob]) await page.locator(`[data-being="${cy.id}"][data-state=away]`).waitFor()
    await setVisible(cy.page, true)
    for (const { page } of [ada, bob]) await page.locator(`[data-being="${cy.id}"][data-state=here]`).waitFor()

    // Two tabs are one person: the first to go changes nothing, the last makes it leave.
    const second = await openTab(bob.context)
    await live(second)
    await allSee([ada, cy, { ...bob, page: second }], [ada, bob, cy])
    await watchFor(ada.page, bob.id)
    await bob.page.close()
    await expectStill([ada, cy], 'here', bob)
    expect(await vanished(ada.page)).toBe(0)
    await second.close()
    await allSee([ada, cy], [ada, cy])
    for (const { page } of [ada, cy]) await entry(page, 'presence-away', bob).getByText('last seen just now').waitFor()
    const zoe = await signIn(cluster.apis[0]?.url ?? '', 'Zoe')
    await eventually('the api knows when Bob was last here', async () => {
      const path = `/v1/beings?ids=${bob.id}`
      const { body } = await call<{ beings: Being[] }>(cluster.apis[0]?.url ?? '', 'GET', path, { token: zoe.token })
      return body.beings[0]?.lastSeenAt !== null
    })
    await ada.page.reload()
    await entry(ada.page, 'presence-away', bob).getByText('last seen just now').waitFor()

    // A killed gateway: those who come back elsewhere never blink, the one who cannot is gone after the lease.
    const [first] = cluster.gateways
    const visitor = await WireSocket.welcomed(first?.url ?? '', zoe.token)
    visitor.send({ type: 'subscribe', space })
    const ghost = { ...bob, id: zoe.being.id, name: 'Zoe' }
    await allSee([ada, cy], [ada, cy, ghost])
    await watchFor(ada.page, cy.id)
    await watchFor(cy.page, ada.id)
    await first?.kill()
    await Promise.all([live(ada.page), live(cy.page)])
    await allSee([ada, cy], [ada, cy], LEASE_MS + 10_000)
    expect([await vanished(ada.page), await vanished(cy.page)]).toEqual([0, 0])
    expect(faults).toEqual([])
  })

  test('a page that slept past the end of its session asks to sign in, and keeps what was being written', async () => {
    const eve = await openAs('Eve')
    await eve.page.getByTestId('message-input').fill('Half a thought')
    // The device sleeps for a month: the clock goes on, the timers stand still, and then the page is shown.
    await eve.page.route('**/v1/sessions/current/refresh', (route) =>
      route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        json: { title: 'Expired', status: 401, code: 'token-expired', detail: 'The session has expired.' },
      }),
    )
    await eve.page.clock.fastForward(30 * 24 * 3_600_000)
    await setVisible(eve.page, true)
    await eve.page.getByTestId('session-ended').getByText('What you were writing is kept.').waitFor()
    expect(await eve.page.getByTestId('name-input').inputValue()).toBe('Eve')
    await eve.page.unroute('**/v1/sessions/current/refresh')
    await eve.page.getByTestId('sign-in').click()
    await live(eve.page)
    await eve.page.getByTestId('message-input').waitFor()
    expect(await eve.page.getByTestId('message-input').inputValue()).toBe('Half a thought')
    expect(faults).toEqual([])
  })

  /** For longer than a leave would take to be told. */
  async function expectStill(people: readonly Person[], where: 'here' | 'away', who: Person): Promise<void> {
    const untilMs = Date.now() + GRACE_MS + 1_500
    await eventually('the grace period is over', () => Date.now() > untilMs)
    for (const { page } of people) expect(await entry(page, `presence-${where}`, who).count()).toBe(1)
  }
})
