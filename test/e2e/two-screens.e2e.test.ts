/**
 * Two people in a real browser, each connected to another gateway: what one writes or renames, the other sees; a
 * reload keeps everything; a gateway that is killed under a page costs it nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, eventually, freePort, provided, startCluster } from '../cluster/cluster.ts'
import { apply, freshId, signIn } from '../wire/api-caller.ts'

const executablePath = process.env['TEST_CHROMIUM']
const root = fileURLToPath(new URL('../..', import.meta.url))

describe.skipIf(executablePath === undefined)('two screens on two gateways', () => {
  let cluster: Cluster
  let web: ChildProcess
  let pageUrl: string
  let browser: Browser
  let space: string
  const faults: string[] = []

  const connectionsOf = async (gateway: string): Promise<number> => {
    const metrics = await (await fetch(`${gateway}/metrics`)).text()
    return Number(/^rhizom_gateway_connections (\d+)/m.exec(metrics)?.[1])
  }

  /** Signs in on a page of its own, as on another machine, and opens the space. */
  const openAs = async (name: string): Promise<Page> => {
    const context = await browser.newContext()
    context.setDefaultTimeout(20_000)
    const page = await context.newPage()
    page.on('pageerror', (error) => faults.push(String(error)))
    await page.goto(`${pageUrl}/spaces/${encodeURIComponent(space)}`)
    await page.getByTestId('name-input').fill(name)
    await page.getByTestId('sign-in').click()
    await page.locator('[data-testid=sync-status][data-status=live]').waitFor()
    await page.getByTestId('message-input').waitFor()
    return page
  }

  const say = async (page: Page, text: string): Promise<void> => {
    await page.getByTestId('message-input').fill(text)
    await page.getByTestId('message-input').press('Enter')
  }

  const sees = (page: Page, text: string): Promise<void> =>
    page.getByTestId('message-text').getByText(text, { exact: true }).waitFor()

  const rename = async (page: Page, what: string, name: string): Promise<void> => {
    await page.getByTestId(`${what}-edit`).click()
    await page.getByTestId(`${what}-input`).fill(name)
    await page.getByTestId(`${what}-save`).click()
  }

  beforeAll(async () => {
    cluster = await startCluster({
      adminDatabaseUrl: provided('TEST_DATABASE_URL'),
      redisUrl: provided('TEST_REDIS_URL'),
      gateways: 2,
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

  test('a message each way, renames seen by both, a reload keeps everything, a killed gateway costs nothing', async () => {
    const ada = await openAs('Ada')
    const bob = await openAs('Bob')
    expect(await Promise.all(cluster.gateways.map((node) => connectionsOf(node.url)))).toEqual([1, 1])

    await say(ada, 'Hello from Ada')
    await Promise.all([sees(ada, 'Hello from Ada'), sees(bob, 'Hello from Ada')])
    await say(bob, 'Hello from Bob')
    await Promise.all([sees(ada, 'Hello from Bob'), sees(bob, 'Hello from Bob')])
    expect(await bob.getByTestId('message-text').allInnerTexts()).toEqual(
      await ada.getByTestId('message-text').allInnerTexts(),
    )

    await rename(ada, 'own-name', 'Ada Lovelace')
    await bob.getByTestId('message-author').getByText('Ada Lovelace', { exact: true }).first().waitFor()
    await bob.getByTestId('member').getByText('Ada Lovelace').waitFor()

    await bob.reload()
    await bob.locator('[data-testid=sync-status][data-status=live]').waitFor()
    await Promise.all([sees(bob, 'Hello from Ada'), sees(bob, 'Hello from Bob')])
    await bob.getByTestId('message-author').getByText('Ada Lovelace', { exact: true }).first().waitFor()

    const [first] = cluster.gateways
    await first?.kill()
    await say(ada, 'Still here')
    await say(bob, 'Me too')
    for (const text of ['Still here', 'Me too']) await Promise.all([sees(ada, text), sees(bob, text)])
    for (const page of [ada, bob]) {
      const texts = await page.getByTestId('message-text').allInnerTexts()
      expect([...texts].sort()).toEqual(['Hello from Ada', 'Hello from Bob', 'Me too', 'Still here'])
    }
    await first?.start()
    expect(faults).toEqual([])
  })

  test('whoever makes a space owns it and renames it, and everybody sees it; a closed page leaves the rest alone', async () => {
    const olga = await openAs('Olga')
    await olga
      .getByRole('link', { name: /rhizom|spaces|new/i })
      .first()
      .click()
    await olga.getByTestId('space-name-input').fill('Garden')
    await olga.getByTestId('create-space').click()
    await olga.getByTestId('space-name').getByText('Garden').waitFor()
    const garden = new URL(olga.url()).pathname

    const pam = await openAs('Pam')
    await pam.goto(`${pageUrl}${garden}`)
    await pam.getByTestId('space-name').getByText('Garden').waitFor()
    expect(await pam.getByTestId('space-name-edit').count()).toBe(0)
    await rename(olga, 'space-name', 'Winter garden')
    await pam.getByTestId('space-name').getByText('Winter garden').waitFor()

    await olga.close()
    await say(pam, 'Alone now')
    await sees(pam, 'Alone now')
    expect(faults).toEqual([])
  })
})
