/**
 * The pages of a world, in their browsers, and what stands between them and the gateways: a proxy may break upgrades
 * and streams. What is done to them is in apply-page-op.ts.
 */
import type { MutationId } from '@rhizom/protocol'
import type { ClientSocket, SocketHandlers } from '../../client/src/runtime/websocket.ts'
import { Chance } from './chance.ts'
import { add, type Coverage } from './coverage.ts'
import type { ApiModel } from './api-model.ts'
import type { Network } from './network.ts'
import type { Oracle } from './oracle.ts'
import { BrowserModel } from './page-browser.ts'
import { PageApi } from './page-api.ts'
import { PageLedger } from './page-ledger.ts'
import { PageNode } from './page-node.ts'
import type { PagesShape, Plan, Way, Weather } from './plan.ts'
import { mayReadAt } from './reference.ts'
import type { SpaceModel } from './space-model.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What of the world they live in. */
export interface Surroundings {
  readonly plan: Plan
  readonly time: VirtualTime
  readonly api: ApiModel
  readonly oracle: Oracle
  readonly network: Network
  readonly coverage: Coverage
  readonly spaces: readonly SpaceModel[]
  note(what: string): void
}

const CONNECTION_LOST = 1006

export class PageWorld {
  readonly ledger: PageLedger
  readonly api: PageApi
  readonly browsers: readonly BrowserModel[]
  /** By place; one that is gone stays in its place until it is opened anew. */
  readonly pages: PageNode[] = []
  /** What a proxy in front of a browser breaks. */
  readonly blocked = new Map<BrowserModel, ReadonlySet<Way>>()
  readonly #world: Surroundings
  readonly #shape: PagesShape
  readonly #met: (what: string) => void
  #lives = 0

  constructor(world: Surroundings, shape: PagesShape, weather: () => Weather) {
    const { time, oracle, network, plan } = world
    this.#world = world
    this.#shape = shape
    this.#met = (what) => add(world.coverage, what)
    this.ledger = new PageLedger(oracle, () => time.elapsed, this.#met)
    const chance = new Chance(plan.seed, 'page api')
    this.api = new PageApi({
      time,
      chance,
      api: world.api,
      network,
      ledger: this.ledger,
      asksAfter: ({ name }, id, epoch, after) => {
        const held = this.pages.find((page) => page.name === name)?.state(id).content?.position
        if (held?.epoch === epoch && held.version < after)
          oracle.fail('S31', `${name} holds ${id} at ${held.version}, and asks for what comes after ${after}`)
      },
      weather,
    })
    this.browsers = shape.hasLocks.map((hasLocks, index) => {
      const name = `b${index}`
      return new BrowserModel(name, hasLocks, time, new Chance(plan.seed, name), {
        forgotten: ({ mutation, fate }) => {
          if (fate.status === 'open') this.ledger.forgotten(mutation.id)
        },
        spaceKept: (id, content) => oracle.contentKept(name, id, content),
        spaceRead: (gate, id, content) => this.pages.find((page) => page.gate === gate)?.found(id, content),
      })
    })
    for (let place = 0; place < shape.hasLocks.length * shape.tabs; place++) this.open(place)
  }

  get living(): PageNode[] {
    return this.pages.filter(({ gate }) => !gate.isDead)
  }

  /** Opens a page in its place, which watches all there is. */
  open(place: number): void {
    const { time, api, oracle, network, plan } = this.#world
    const browser = this.browsers[Math.floor(place / this.#shape.tabs)]
    if (browser === undefined || this.pages[place]?.gate.isDead === false) return
    const name = `p${place}.${++this.#lives}`
    const page = new PageNode(name, this.#beingOf(place), {
      time,
      api,
      oracle,
      browser,
      ledger: this.ledger,
      chance: new Chance(plan.seed, name),
      connect: (self, handlers) => this.#connect(self, handlers),
      fetch: (self, url, init) => this.api.fetch(self, url, init, this.#isBlocked(self, 'sse')),
      note: (what) => this.#world.note(what),
      met: this.#met,
    })
    this.pages[place] = page
    network.links.get(page)?.cut(true, true)
    for (const { id } of this.#world.spaces) page.watch(id)
  }

  /** Who is gone and who is not, and what may go with them. */
  around(destroy: () => void): void {
    this.ledger.around(() => this.#held(), destroy)
  }

  kill(page: PageNode | undefined): void {
    if (page === undefined || page.gate.isDead) return
    this.around(() => page.end())
    this.#world.network.gone(page)
  }

  /** Who is not level, or what has not arrived, in words. */
  behind(): string | undefined {
    for (const page of this.living)
      for (const id of page.watched()) {
        const space = this.#world.api.space(id)
        const { content, subscription } = page.state(id)
        const head = space.current
        if (!space.exists || !mayReadAt(space.now, page.being)) {
          if (content !== undefined)
            return `${page.name} still has ${id} (${subscription.status}), which it may not read`
        } else if (
          subscription.status !== 'current' ||
          content?.position.epoch !== head.epoch ||
          content.position.version !== head.version
        )
          return `${page.name} (${page.transport}) stands at ${content?.position.version ?? 'nothing'} of ${id} (${subscription.status}), not at ${head.version}`
        else if (content.pending !== undefined) return `${page.name} shows something of ${id} as pending`
      }
    const waiting = this.living.find(({ pending }) => pending.length > 0)
    if (waiting !== undefined) return `${waiting.name} has ${waiting.pending.length} unanswered`
    return this.ledger.missing()
  }

  retryClosed(): void {
    for (const page of this.living) {
      const isShut = page.watched().some((id) => {
        const space = this.#world.api.space(id)
        return page.state(id).subscription.status === 'closed' && space.exists && mayReadAt(space.now, page.being)
      })
      if (isShut) page.gate.enter(() => page.retry())
    }
  }

  heal(): void {
    this.blocked.clear()
    for (const browser of this.browsers) browser.recover()
    for (const place of this.pages.keys()) {
      this.pages[place]?.gate.thaw()
      this.open(place)
    }
  }

  #isBlocked = (page: PageNode, way: Way): boolean => this.blocked.get(page.browser)?.has(way) === true

  #connect(page: PageNode, handlers: SocketHandlers): ClientSocket {
    const { time, network } = this.#world
    const isMute = this.#isBlocked(page, 'mute')
    if (!isMute && !this.#isBlocked(page, 'websocket')) return network.connect(page, handlers)
    let isGivenUp = false
    time.after(20, () =>
      page.gate.enter(() => {
        if (isGivenUp) return
        if (isMute) handlers.onOpen()
        else handlers.onClose(CONNECTION_LOST, '')
      }),
    )
    return { send: () => undefined, close: () => void (isGivenUp = true) }
  }

  #held(): ReadonlySet<MutationId> {
    return new Set([
      ...this.living.flatMap(({ pending }) => pending),
      ...this.browsers.flatMap(({ waiting }) => waiting),
    ])
  }

  #beingOf(place: number): `@${string}` {
    return `@c${Math.floor(place / this.#shape.tabs) % Math.max(1, this.#world.plan.shape.clients)}`
  }
}
