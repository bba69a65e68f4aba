/**
 * The stage of the browser tests: a cluster, the web client in front of it, and a browser. Whoever enters has a browser
 * profile of their own, as on another machine; what people do and see there is in person.ts. After each test all pages
 * are closed; what a page reported as an error fails the test, and a failed test leaves a picture of every page beside
 * the logs of the nodes.
 */
import { join } from 'node:path'
import { type Child, startChild } from '@rhizom/infra/local/child.ts'
import { buildPage } from '@rhizom/infra/local/page-build.ts'
import { cacheDirectory, repository } from '@rhizom/infra/local/places.ts'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { nodeStart } from '@rhizom/kit/node-start.ts'
import { type Cluster, type ClusterOptions, freePort, provided, startCluster } from '../cluster/cluster.ts'
import { apply, freshId, signIn } from '../wire/api-caller.ts'
import { PATIENCE_MS, Person } from './person.ts'

/** Undefined where there is no browser: then the tests that need one are skipped. */
export const chromiumPath = process.env['TEST_CHROMIUM']

/** What Chromium says by itself when a server is gone, which is what some tests are about. */
const ABOUT_THE_NETWORK = /^(WebSocket connection to|Failed to load resource)/

interface StageOptions extends Pick<ClusterOptions, 'env' | 'reroute'> {
  /** The folder of a page that is served in place of ours. */
  pageDirectory?: string
}

export interface EntranceOptions extends BrowserContextOptions {
  /** Lets the test move the clock of this person's pages. */
  withClock?: boolean
}

export class Stage {
  readonly cluster: Cluster
  readonly webUrl: string
  readonly #web: Child
  readonly #browser: Browser
  readonly #faults: string[] = []

  private constructor(cluster: Cluster, webUrl: string, web: Child, browser: Browser) {
    this.cluster = cluster
    this.webUrl = webUrl
    this.#web = web
    this.#browser = browser
  }

  static async set({ env, reroute, pageDirectory }: StageOptions = {}): Promise<Stage> {
    const cluster = await startCluster({
      adminDatabaseUrl: provided('TEST_DATABASE_URL'),
      redisUrl: provided('TEST_REDIS_URL'),
      gateways: 2,
      ...(env === undefined ? {} : { env }),
      ...(reroute === undefined ? {} : { reroute }),
    })
    try {
      const [{ web, webUrl }, browser] = await Promise.all([startWeb(cluster, pageDirectory), startBrowser()])
      return new Stage(cluster, webUrl, web, browser)
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  get apiUrl(): string {
    return this.cluster.apis[0]?.url ?? ''
  }

  /** The id of a new space, made by somebody who is not on the stage. */
  async newSpace(name: string): Promise<string> {
    const founder = await signIn(this.apiUrl, 'Founder')
    const space = freshId('space')
    await apply(this.apiUrl, founder.token, { space, name: 'space.create', args: { name } })
    return space
  }

  /** Somebody opens a space, signs in with a name and stays until the end of the test. */
  async enter(space: string, name: string, { withClock = false, ...options }: EntranceOptions = {}): Promise<Person> {
    const context = await this.#browser.newContext(options)
    context.setDefaultTimeout(PATIENCE_MS)
    context.on('page', (page) => this.#listenTo(page, name))
    await context.addInitScript(tellViolations)
    if (withClock) await context.clock.install()
    return Person.signIn(context, `${this.webUrl}/spaces/${encodeURIComponent(space)}`, name)
  }

  /** Somebody opens the page, whatever it is. */
  async open(name: string): Promise<Page> {
    const context = await this.#browser.newContext()
    context.setDefaultTimeout(PATIENCE_MS)
    context.on('page', (page) => this.#listenTo(page, name))
    const page = await context.newPage()
    await page.goto(this.webUrl)
    return page
  }

  #listenTo(page: Page, name: string): void {
    page.on('pageerror', (error) => this.#faults.push(`${name}: ${error.stack ?? String(error)}`))
    page.on('console', (message) => {
      const isComplaint = message.type() === 'error' || message.type() === 'warning'
      if (isComplaint && !ABOUT_THE_NETWORK.test(message.text())) this.#faults.push(`${name}: ${message.text()}`)
    })
  }

  /** What pages complained about so far, taken out: for tests that bring it about. */
  complaints(): string[] {
    return this.#faults.splice(0)
  }

  /** How many there are. */
  get complained(): number {
    return this.#faults.length
  }

  /** The same, once all of these were complained of: a page says so in its own time. */
  async complaintsOf(...expected: readonly (string | RegExp)[]): Promise<string[]> {
    const isSaid = (what: string | RegExp): boolean =>
      this.#faults.some((fault) => (typeof what === 'string' ? fault.includes(what) : what.test(fault)))
    await eventually(`pages complain of ${expected.join(', ')}`, () => expected.every(isSaid))
    return this.complaints()
  }

  /** A picture of every open page; resolves with the files. */
  async picture(title: string): Promise<string[]> {
    const pages = this.#browser.contexts().flatMap((context) => context.pages())
    const files = pages.map((_page, index) =>
      join(this.cluster.logs, `${title.replaceAll(/\W+/g, '-').slice(0, 60)}-${index + 1}.png`),
    )
    await Promise.all(pages.map((page, index) => page.screenshot({ path: files[index] ?? '' })))
    return files
  }

  /** Everybody goes home. Resolves with what their pages complained about. */
  async clear(): Promise<string[]> {
    await Promise.all(this.#browser.contexts().map((context) => context.close()))
    return this.complaints()
  }

  async strike(): Promise<void> {
    await this.#browser.close()
    await this.#web.stop()
    await this.cluster.stop()
  }
}

/** Runs in each page: what its policy stopped is a complaint like any other, also where the browser says nothing. */
function tellViolations(): void {
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
    // The page has a console; the tests' own output has not.
    // oxlint-disable-next-line no-console
    console.error(`against the policy: ${effectiveDirective} ${blockedURI}`)
  })
}

/** Sets a stage for the tests of a `describe`; the function gives it while they run. */
export function useStage(options: StageOptions | (() => Promise<StageOptions>) = {}): () => Stage {
  let stage: Stage | undefined
  beforeAll(async () => {
    stage = await Stage.set(typeof options === 'function' ? await options() : options)
  })
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') {
      const files = await stage?.picture(task.name)
      process.stderr.write(`pictures of the pages:\n${files?.join('\n')}\n`)
    }
    expect(await stage?.clear()).toEqual([])
  })
  afterAll(() => stage?.strike())
  return () => {
    if (stage === undefined) throw new Error('the stage is not set yet')
    return stage
  }
}

/** The page as `npm start` serves it: built, by its own server. Another page may stand in its place. */
async function startWeb(cluster: Cluster, pageDirectory: string | undefined): Promise<{ web: Child; webUrl: string }> {
  const page =
    pageDirectory === undefined
      ? await buildPage({
          directory: join(cacheDirectory, 'page'),
          logFile: join(cluster.logs, 'page-build.log'),
        })
      : { directory: pageDirectory }
  const port = await freePort()
  const webUrl = `http://127.0.0.1:${port}`
  const command = {
    file: process.execPath,
    args: [join(repository, 'web/server/main.ts')],
    env: {
      PATH: process.env['PATH'] ?? '',
      ...nodeStart(),
      PORT: String(port),
      PAGE_DIRECTORY: page.directory,
      API_URLS: cluster.apis.map(({ url }) => url).join(','),
      GATEWAY_URLS: cluster.gateways.map(({ url }) => url).join(','),
    },
  }
  const log = join(cluster.logs, 'web.log')
  const web = await startChild(command, log)
  await eventually(`the web client answers (log: ${log})`, () => {
    if (!web.running) throw new Error(`the web client ended at start, see ${log}`)
    return fetch(webUrl).then(
      ({ ok }) => ok,
      () => false,
    )
  })
  return { web, webUrl }
}

/** For tests that bring a system of their own. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}
