/**
 * The stage of the browser tests: a system, shared or of the file's own, and a browser. Whoever enters has a browser
 * profile of their own, as on another machine; what people do and see there is in person.ts. After each test all pages
 * are closed; what a page reported as an error fails the test, and a failed test leaves a picture of every page beside
 * the logs of the nodes.
 */
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { apply, freshId, signIn } from '../wire/api-caller.ts'
import { PATIENCE_MS, Person } from './person.ts'
import { type OwnSystem, sharedSystem, startSystem, type System, type SystemOptions } from './system.ts'

/** Undefined where there is no browser: then the tests that need one are skipped. */
export const chromiumPath = process.env['TEST_CHROMIUM']

/** What Chromium says by itself when a server is gone, which is what some tests are about. */
const ABOUT_THE_NETWORK = /^(WebSocket connection to|Failed to load resource)/

export interface EntranceOptions extends BrowserContextOptions {
  /** Lets the test move the clock of this person's pages. */
  withClock?: boolean
}

export class Stage {
  readonly apiUrl: string
  /** Of one of its gateways. */
  readonly gatewayUrl: string
  readonly webUrl: string
  readonly #logs: string
  readonly #browser: Browser
  readonly #faults: string[] = []

  constructor({ apiUrl, gatewayUrl, webUrl, logs }: System, browser: Browser) {
    this.apiUrl = apiUrl
    this.gatewayUrl = gatewayUrl
    this.webUrl = webUrl
    this.#logs = logs
    this.#browser = browser
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
      join(this.#logs, `${title.replaceAll(/\W+/g, '-').slice(0, 60)}-${index + 1}.png`),
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
  }
}

/** A stage on nodes that nobody else is at, to be stopped. */
export class OwnStage extends Stage {
  readonly cluster: Cluster
  readonly #system: OwnSystem

  constructor(system: OwnSystem, browser: Browser) {
    super(system, browser)
    this.cluster = system.cluster
    this.#system = system
  }

  override async strike(): Promise<void> {
    await super.strike()
    await this.#system.stop()
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

/** A stage on what the files of a run share, for the tests of a `describe`; the function gives it while they run. */
export const useSharedStage = (): (() => Stage) =>
  useStage(async () => {
    const [system, browser] = await Promise.all([sharedSystem(), startBrowser()])
    return new Stage(system, browser)
  })

/** The same on nodes of its own, for who stops them or sets them up in another way. */
export const useOwnStage = (options: SystemOptions | (() => Promise<SystemOptions>) = {}): (() => OwnStage) =>
  useStage(async () => {
    const system = await startSystem(typeof options === 'function' ? await options() : options)
    const browser = await startBrowser().catch(async (error: unknown) => {
      await system.stop()
      throw error
    })
    return new OwnStage(system, browser)
  })

function useStage<S extends Stage>(set: () => Promise<S>): () => S {
  let stage: S | undefined
  beforeAll(async () => {
    stage = await set()
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

/** The browser of the run; closing it closes what was opened here alone. */
export const startBrowser = (): Promise<Browser> => chromium.connect(process.env['TEST_BROWSER'] ?? '')
