/**
 * The simulated world: every part in its place, and the questions a run asks. What happens
 * to it is in apply-op.ts, how a run goes in simulate.ts.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import { ApiModel } from './api-model.ts'
import { ASKED } from './bot-api.ts'
import { BotWorld } from './bot-world.ts'
import { Chance } from './chance.ts'
import { add, type Coverage } from './coverage.ts'
import { ClientNode } from './client-node.ts'
import { GatewayNode } from './gateway-node.ts'
import { mostSignalAgeMs, Network } from './network.ts'
import { Oracle } from './oracle.ts'
import { PageWorld } from './page-world.ts'
import { PresenceOracle } from './presence-oracle.ts'
import { CALM, type Plan, type PublishMode, type Weather } from './plan.ts'
import { RedisModel } from './redis-model.ts'
import { mayReadAt } from './reference.ts'
import { SignalBook } from './signal-audit.ts'
import type { SpaceModel } from './space-model.ts'
import { VirtualTime } from './virtual-time.ts'
import { beginning, OWNER } from './writes.ts'

export const spaceName = (index: number): SpaceId => `@s${index}`
export const beingOf = (client: number): BeingId => `@c${client}`

export class World {
  readonly time = new VirtualTime()
  readonly trace: string[] = []
  readonly coverage: Coverage = new Map()
  readonly oracle: Oracle
  readonly presence: PresenceOracle
  readonly signals: SignalBook
  readonly api: ApiModel
  readonly redis: RedisModel
  readonly gateways: readonly GatewayNode[]
  readonly clients: ClientNode[]
  readonly plan: Plan
  readonly network: Network
  /** Browsers and what is open in them, where the plan has any. */
  readonly pages: PageWorld | undefined
  /** Copies of a bot and who asks them, where the plan has any. */
  readonly bots: BotWorld | undefined
  #weather: Weather
  readonly epochs: Chance
  isHealed = false

  constructor(plan: Plan) {
    this.plan = plan
    const { shape, seed } = plan
    const { tuning } = shape
    this.#weather = shape.weather
    this.epochs = new Chance(seed, 'epochs')
    const { time } = this
    const note = (what: string): void => void this.trace.push(`${time.elapsed} ${what}`)
    const chance = (name: string): Chance => new Chance(seed, name)
    const weather = (): Weather => this.#weather
    const disturbed = (): void => this.presence.ledger.disturbed()
    const presenceChance = chance('redis presence')
    this.redis = new RedisModel({ time, chance: chance('redis'), presenceChance, weather, note, disturbed })
    const { redis } = this
    const { catchUpLimit, tokenLifeMs } = tuning
    this.api = new ApiModel({ time, chance: chance('api'), weather, redis, catchUpLimit, tokenLifeMs, note })
    const { api } = this
    this.oracle = new Oracle(time, api.spaces)
    const { oracle } = this
    const met = (what: string): void => add(this.coverage, what)
    this.presence = new PresenceOracle(oracle, time, shape.presence, () => this.#isTroubled, met)
    this.signals = new SignalBook(time, mostSignalAgeMs(shape), met)
    this.#begin(chance('beginning'))
    this.gateways = Array.from({ length: shape.gateways }, (_, index) => {
      const name = `g${index}`
      const chances = { chance: chance(name), presenceChance: chance(`${name} presence`) }
      const storeBreaks = (): number => (this.isHealed ? 0 : shape.presence.storeBreaks)
      const { ledger } = this.presence
      const { presence } = shape
      return new GatewayNode(name, {
        ...chances,
        time,
        api,
        redis,
        oracle,
        ledger,
        tuning,
        presence,
        storeBreaks,
        note,
      })
    })
    const { gateways, presence, signals } = this
    this.network = new Network({ time, seed, shape, weather, gateways, oracle, presence, signals })
    this.clients = Array.from({ length: shape.clients + shape.presence.tabs }, (_, index) => this.#newClient(index, 1))
    this.pages = shape.pages && new PageWorld(this, shape.pages, weather)
    this.bots = shape.bots && new BotWorld(this, shape.bots, weather)
    if (this.bots !== undefined) for (const client of this.clients) client.watch(ASKED)
  }

  get spaces(): SpaceModel[] {
    return [...this.api.spaces.values()]
  }

  /** Gateways keep a snapshot for those who come a little later. */
  get keepsSnapshots(): boolean {
    return this.plan.shape.tuning.heldSnapshotBytes > 100_000
  }

  note(what: string): void {
    this.trace.push(`${this.time.elapsed} ${what}`)
  }

  /** All trouble ends. What it did to the parts stays with them. */
  heal(): void {
    this.note('• everything heals')
    this.isHealed = true
    this.#weather = CALM
    this.presence.ledger.disturbed()
    this.redis.heal()
    this.api.comeBack()
    for (const gateway of this.gateways) {
      gateway.gate?.thaw()
      gateway.store?.heal()
      gateway.start()
    }
    for (const client of this.clients) client.gate.thaw()
    this.pages?.heal()
    this.bots?.heal()
    for (const link of this.network.links.values()) link.unstall()
  }

  /** Whether every client holds what it may read, as it is now, and nothing of what it may not. */
  get isLevel(): boolean {
    return this.behind() === undefined
  }

  /** Somebody who is not level, in words. */
  behind(): string | undefined {
    for (const client of this.clients) {
      if (!client.isLive) return `${client.name} is ${client.status}`
      for (const id of client.watched()) {
        const space = this.api.space(id)
        const state = client.state(id)
        const held = state?.content?.position
        const head = space.current
        if (space.exists && mayReadAt(space.now, client.being)) {
          if (state?.subscription.status !== 'current' || held?.epoch !== head.epoch || held.version !== head.version)
            return `${client.name} stands at ${held?.version ?? 'nothing'} of ${id} (${state?.subscription.status}), not at ${head.version}`
        } else if (state?.content !== undefined || state?.subscription.status !== 'closed')
          return `${client.name} still has ${id} (${state?.subscription.status}), which it may not read`
      }
    }
    return this.pages?.behind()
  }

  /** Redis or the way of a gateway to it is not well, or a gateway stands still. */
  get #isTroubled(): boolean {
    return !this.redis.isReachable || this.gateways.some(({ isTroubled }) => isTroubled)
  }

  /** People who see a closed space that they may read try again. */
  retryClosed(): void {
    for (const client of this.clients)
      if (client.watched().some((id) => client.state(id)?.subscription.status === 'closed' && this.mayRead(client, id)))
        client.gate.enter(() => client.retry())
    this.pages?.retryClosed()
  }

  mayRead(client: ClientNode, id: SpaceId): boolean {
    const space = this.api.space(id)
    return space.exists && mayReadAt(space.now, client.being)
  }

  #begin(chance: Chance): void {
    for (let index = 0; index < this.plan.shape.spaces; index++) {
      const space = this.api.space(spaceName(index))
      const members = Array.from({ length: this.plan.shape.clients }, (_, client) => beingOf(client))
      const visibility = chance.pick(['public', 'private'] as const)
      const first = beginning(
        space,
        visibility,
        members.filter(() => chance.happens(0.7)),
      )
      this.commit(space, first, 'never')
    }
  }

  commit(space: SpaceModel, entries: Parameters<ApiModel['commit']>[1], publish: PublishMode): void {
    this.api.commit(space, entries, { actor: OWNER }, publish)
  }

  /** The page of a client is loaded anew. */
  reload(index: number): void {
    const client = this.clients[index]
    if (client === undefined) return
    const watched = client.watched()
    const present = client.present()
    this.network.gone(client)
    client.end()
    const next = this.#newClient(index, Number(client.name.split('.')[1]) + 1)
    this.clients[index] = next
    for (const space of present) next.comeIn(space)
    for (const space of watched) next.watch(space)
  }

  /** Behind the clients of beings of their own come the further tabs of some of them. */
  #beingAt(index: number): BeingId {
    return beingOf(index % this.plan.shape.clients)
  }

  #newClient(index: number, life: number): ClientNode {
    const { time, api, oracle } = this
    const name = `c${index}.${life}`
    return new ClientNode(name, this.#beingAt(index), {
      time,
      api,
      oracle,
      chance: new Chance(this.plan.seed, name),
      weather: () => this.#weather,
      connect: (client, handlers) => this.network.connect(client, handlers),
      note: (what) => this.note(what),
      met: (what) => add(this.coverage, what),
    })
  }
}
