/**
 * The simulated world: every part in its place, the network between them, and the questions a run asks. What befalls
 * it is in befall.ts, how a run goes in simulate.ts.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import { ApiModel } from './api-model.ts'
import { Chance } from './chance.ts'
import { add, type Coverage } from './coverage.ts'
import { ClientNode } from './client-node.ts'
import { GatewayNode } from './gateway-node.ts'
import { Link } from './link.ts'
import { Oracle } from './oracle.ts'
import { CALM, type Plan, type PublishMode, type Weather } from './plan.ts'
import { RedisModel } from './redis-model.ts'
import { mayReadAt } from './reference.ts'
import type { SpaceModel } from './space-model.ts'
import { VirtualTime } from './virtual-time.ts'
import { WireAudit } from './wire-audit.ts'
import { beginning, OWNER } from './writes.ts'
import type { ClientSocket, SocketHandlers } from '../../client/src/runtime/websocket.ts'

/** After so long without a sign of the peer a gateway's socket ends. */
const IDLE_MS = 12_000
const CONNECTION_LOST = 1006

export const spaceName = (index: number): SpaceId => `@s${index}`
export const beingOf = (client: number): BeingId => `@c${client}`

export class World {
  readonly time = new VirtualTime()
  readonly trace: string[] = []
  readonly coverage: Coverage = new Map()
  readonly oracle: Oracle
  readonly api: ApiModel
  readonly redis: RedisModel
  readonly gateways: readonly GatewayNode[]
  readonly clients: ClientNode[]
  readonly plan: Plan
  /** The connection that each client made last. */
  readonly links = new Map<ClientNode, Link>()
  #weather: Weather
  readonly epochs: Chance
  isHealed = false
  readonly #connections = new Map<string, number>()

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
    this.redis = new RedisModel({ time, chance: chance('redis'), weather, note })
    const { redis } = this
    const { catchUpLimit, tokenLifeMs } = tuning
    this.api = new ApiModel({ time, chance: chance('api'), weather, redis, catchUpLimit, tokenLifeMs, note })
    const { api } = this
    this.oracle = new Oracle(time, api.spaces)
    const { oracle } = this
    this.#begin(chance('beginning'))
    this.gateways = Array.from({ length: shape.gateways }, (_, index) => {
      const name = `g${index}`
      return new GatewayNode(name, { time, chance: chance(name), api, redis, oracle, tuning, note })
    })
    this.clients = Array.from({ length: shape.clients }, (_, index) => this.#newClient(index, 1))
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
    this.redis.comeBack()
    this.api.comeBack()
    for (const gateway of this.gateways) {
      gateway.gate?.thaw()
      gateway.start()
    }
    for (const client of this.clients) client.gate.thaw()
    for (const link of this.links.values()) link.unstall()
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
          if (state?.feed.status !== 'current' || held?.epoch !== head.epoch || held.version !== head.version)
            return `${client.name} stands at ${held?.version ?? 'nothing'} of ${id} (${state?.feed.status}), not at ${head.version}`
        } else if (state?.content !== null || state.feed.status !== 'closed')
          return `${client.name} still has ${id} (${state?.feed.status}), which it may not read`
      }
    }
    return undefined
  }

  /** People who see a closed space that they may read try again. */
  retryClosed(): void {
    for (const client of this.clients)
      if (client.watched().some((id) => client.state(id)?.feed.status === 'closed' && this.#mayRead(client, id)))
        client.gate.enter(() => client.retry())
  }

  #mayRead(client: ClientNode, id: SpaceId): boolean {
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
    this.links.get(client)?.cut(false, true)
    this.links.delete(client)
    client.end()
    const next = this.#newClient(index, Number(client.name.split('.')[1]) + 1)
    this.clients[index] = next
    for (const space of watched) next.watch(space)
  }

  #newClient(index: number, life: number): ClientNode {
    const { time, api, oracle } = this
    const name = `c${index}.${life}`
    return new ClientNode(name, beingOf(index), {
      time,
      api,
      oracle,
      chance: new Chance(this.plan.seed, name),
      weather: () => this.#weather,
      connect: (client, handlers) => this.#connect(client, handlers),
      note: (what) => this.note(what),
      met: (what) => add(this.coverage, what),
    })
  }

  /** The network between clients and gateways, with a balancer that is wrong now and then. */
  #connect(client: ClientNode, handlers: SocketHandlers): ClientSocket {
    const { time, oracle } = this
    const count = (this.#connections.get(client.name) ?? 0) + 1
    this.#connections.set(client.name, count)
    const chance = new Chance(this.plan.seed, `connection ${client.name} ${count}`)
    const isWrong = chance.happens(this.#weather.wrongDoor)
    const open = this.gateways.filter(({ isListening }) => isListening)
    const gateway = chance.pick(isWrong || open.length === 0 ? this.gateways : open)
    let isGivenUp = false
    let link: Link | undefined
    time.after(chance.int(5, 40), () => {
      if (isGivenUp || gateway === undefined) return
      if (isWrong || !gateway.isListening || gateway.gate === undefined) {
        // A machine that is gone answers nothing at all: the client's own patience ends it.
        if (chance.happens(0.8)) client.gate.enter(() => !isGivenUp && handlers.onClose(CONNECTION_LOST, ''))
        return
      }
      const name = `${client.name} by ${gateway.name}`
      const audit = new WireAudit(oracle, client.being, name)
      const made = new Link(client.gate, handlers, gateway.gate, {
        time,
        chance,
        bufferBytes: this.plan.shape.tuning.socketBufferBytes,
        idleMs: IDLE_MS,
        sent: (text) => audit.sent(text),
        heard: (text) => audit.heard(text, time.now()),
      })
      link = made
      this.links.set(client, made)
      gateway.gate.enter(() => {
        const taken = gateway.connect(made, made.gatewaySocket)
        if (taken === undefined) made.cut(true, false)
        else made.opened(taken)
      })
    })
    return {
      send: (text) => link?.sendUp(text),
      close: () => {
        isGivenUp = true
        link?.closeByClient()
      },
    }
  }
}
