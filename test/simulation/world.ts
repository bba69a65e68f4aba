/**
 * The simulated world: every part in its place, what operations do to them, and the questions a run asks. How a run
 * goes is told in simulate.ts.
 */
import { type BeingId, encodeChangesMessage, type SpaceId } from '@rhizom/protocol'
import { ApiModel } from './api-model.ts'
import { Chance } from './chance.ts'
import { add, type Coverage } from './coverage.ts'
import { ClientNode } from './client-node.ts'
import { GatewayNode } from './gateway-node.ts'
import { Link } from './link.ts'
import { Oracle } from './oracle.ts'
import { CALM, type Op, type Plan, type PublishMode, type Weather } from './plan.ts'
import { RedisModel } from './redis-model.ts'
import { mayReadAt } from './reference.ts'
import type { Entry, SpaceModel } from './space-model.ts'
import { VirtualTime } from './virtual-time.ts'
import { WireAudit } from './wire-audit.ts'
import { beginning, entriesOf, OWNER, putSpace } from './writes.ts'
import type { ClientSocket, SocketHandlers } from '../../client/src/runtime/websocket.ts'

/** After so long without a sign of the peer a gateway's socket ends. */
const IDLE_MS = 12_000
const CONNECTION_LOST = 1006
const FOREIGN_EPOCH = '00000000-0000-7000-8000-000000000000'

export const spaceName = (index: number): SpaceId => `@s${index}`
const beingOf = (client: number): BeingId => `@c${client}`

export class World {
  readonly time = new VirtualTime()
  readonly trace: string[] = []
  readonly coverage: Coverage = new Map()
  readonly oracle: Oracle
  readonly api: ApiModel
  readonly redis: RedisModel
  readonly gateways: readonly GatewayNode[]
  readonly clients: ClientNode[]
  readonly #plan: Plan
  readonly #links = new Map<ClientNode, Link>()
  #weather: Weather
  readonly #epochs: Chance
  #isHealed = false
  #connections = 0

  constructor(plan: Plan) {
    this.#plan = plan
    const { shape, seed } = plan
    const { tuning } = shape
    this.#weather = shape.weather
    this.#epochs = new Chance(seed, 'epochs')
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
    return this.#plan.shape.tuning.heldSnapshotBytes > 100_000
  }

  note(what: string): void {
    this.trace.push(`${this.time.elapsed} ${what}`)
  }

  apply(op: Op): void {
    const { kind, ...rest } = op
    add(this.coverage, `op ${kind}`)
    if (kind !== 'write') this.note(`• ${kind} ${JSON.stringify(rest)}`)
    switch (op.kind) {
      case 'write':
      case 'grant':
      case 'revoke':
      case 'show':
      case 'removeSpace':
      case 'createSpace':
      case 'prune':
      case 'restore':
      case 'loseTail':
      case 'replay':
        return this.#applyToSpace(op)
      case 'watch':
      case 'unwatch':
      case 'retry':
      case 'reload':
      case 'sleep':
      case 'network':
      case 'cut':
      case 'stall':
        return this.#applyToClient(op)
      case 'crash':
      case 'drain':
      case 'freeze':
      case 'busCut':
      case 'busForgets':
        return this.#applyToGateway(op)
      case 'apiAway':
        return this.api.goAway(op.how, op.forMs)
      case 'headsAway':
        return this.api.loseHeads(op.forMs)
      case 'cutAll':
        return this.cutAll()
      case 'redisAway':
        this.redis.goAway()
        this.time.after(op.forMs, () => this.redis.comeBack())
        return
      default:
        return op satisfies never
    }
  }

  /** All trouble ends. What it did to the parts stays with them. */
  heal(): void {
    this.note('• everything heals')
    this.#isHealed = true
    this.#weather = CALM
    this.redis.comeBack()
    this.api.comeBack()
    for (const gateway of this.gateways) {
      gateway.gate?.thaw()
      gateway.start()
    }
    for (const client of this.clients) client.gate.thaw()
    for (const link of this.#links.values()) link.unstall()
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

  write(publish: PublishMode): void {
    for (const space of this.spaces) {
      const salt = space.current.version
      if (space.exists) this.#commit(space, entriesOf(space, ['append'], salt, this.time.now()), publish)
    }
  }

  /** Hides every space and takes the membership of its first client, in one commit. */
  hide(): void {
    for (const space of this.spaces) {
      const entries: Entry[] = [putSpace(space, space.now, { visibility: 'private' })]
      if (space.now.members.has(beingOf(0))) entries.push({ kind: 'member.remove', body: { id: beingOf(0) } })
      if (space.exists) this.#commit(space, entries, { afterMs: 1 })
    }
  }

  open(): void {
    for (const space of this.spaces)
      if (space.exists) this.#commit(space, [putSpace(space, space.now, { visibility: 'public' })], { afterMs: 1 })
  }

  remove(): void {
    for (const space of this.spaces)
      if (space.exists) this.#commit(space, [{ kind: 'space.remove', body: { id: space.id } }], 'never')
  }

  publishForeignEpoch(): void {
    for (const { id, current } of this.spaces) {
      const change = current.changes.at(-1)
      if (change === undefined) continue
      const message = encodeChangesMessage(id, FOREIGN_EPOCH, change.version - 1, [change])
      this.redis.publish({ space: id, message })
    }
  }

  reloadAll(): void {
    for (const [index, client] of this.clients.entries()) this.#reload(index, client)
  }

  leave(): void {
    for (const [client, link] of this.#links) {
      client.end()
      link.cut(false, true)
    }
  }

  cutAll(): void {
    for (const link of this.#links.values()) link.cut(true, true)
  }

  #mayRead(client: ClientNode, id: SpaceId): boolean {
    const space = this.api.space(id)
    return space.exists && mayReadAt(space.now, client.being)
  }

  #begin(chance: Chance): void {
    for (let index = 0; index < this.#plan.shape.spaces; index++) {
      const space = this.api.space(spaceName(index))
      const members = Array.from({ length: this.#plan.shape.clients }, (_, client) => beingOf(client))
      const visibility = chance.pick(['public', 'private'] as const)
      const first = beginning(
        space,
        visibility,
        members.filter(() => chance.happens(0.7)),
      )
      this.#commit(space, first, 'never')
    }
  }

  #commit(space: SpaceModel, entries: Parameters<ApiModel['commit']>[1], publish: PublishMode): void {
    this.api.commit(space, entries, { actor: OWNER }, publish)
  }

  #applyToSpace(
    op: Extract<Op, { space: number }> & { kind: Exclude<Op['kind'], 'watch' | 'unwatch' | 'busForgets'> },
  ): void {
    if (op.space >= this.#plan.shape.spaces) return
    const space = this.api.space(spaceName(op.space))
    if (op.kind === 'restore') return space.restore(this.#epochs.uuid(), op.lost, this.time.now())
    if (op.kind === 'loseTail') return space.loseTail(op.lost)
    if (op.kind === 'replay') return this.#replay(space, op.pick)
    if (op.kind === 'createSpace') {
      if (space.exists) return
      space.beginAnew(this.#epochs.uuid(), this.time.now())
      return this.#commit(space, beginning(space, 'public', []), op.publish)
    }
    if (!space.exists) return
    switch (op.kind) {
      case 'write':
        return this.#commit(space, entriesOf(space, op.what, op.salt, this.time.now()), op.publish)
      case 'grant':
        return this.#commit(
          space,
          [{ kind: 'member.put', body: { being: beingOf(op.client), role: 'viewer' } }],
          op.publish,
        )
      case 'revoke':
        if (!space.now.members.has(beingOf(op.client))) return
        return this.#commit(space, [{ kind: 'member.remove', body: { id: beingOf(op.client) } }], op.publish)
      case 'show':
        return this.#commit(space, [putSpace(space, space.now, { visibility: op.visibility })], op.publish)
      case 'removeSpace':
        return this.#commit(space, [{ kind: 'space.remove', body: { id: space.id } }], op.publish)
      case 'prune':
        return space.prune(op.keep)
      default:
        op satisfies never
    }
  }

  #replay(space: SpaceModel, pick: number): void {
    const all = this.api.published.filter((one) => one.space === space.id)
    const stale = all.filter((one) => one.epoch !== space.current.epoch)
    const mine = pick % 2 === 0 && stale.length > 0 ? stale : all
    const message = mine[pick % Math.max(1, mine.length)]
    if (message !== undefined) this.redis.publish(message)
  }

  #applyToClient(op: Extract<Op, { client: number }> & { kind: Exclude<Op['kind'], 'grant' | 'revoke'> }): void {
    const client = this.clients[op.client]
    if (client === undefined) return
    switch (op.kind) {
      case 'watch':
      case 'unwatch': {
        if (op.space >= this.#plan.shape.spaces) return
        const space = spaceName(op.space)
        client.gate.enter(() => client[op.kind](space))
        return
      }
      case 'retry':
        client.gate.enter(() => client.retry())
        return
      case 'network':
        client.gate.enter(() => client.device(op.event))
        return
      case 'reload':
        return this.#reload(op.client, client)
      case 'sleep':
        client.gate.freeze()
        this.time.after(op.forMs, () => {
          client.gate.thaw()
          client.gate.enter(() => client.device('pageShown'))
        })
        return
      case 'cut':
        this.#links.get(client)?.cut(op.clientSees, op.gatewaySees)
        return
      case 'stall':
        this.#links.get(client)?.stall(op.way, op.forMs)
        return
      default:
        op satisfies never
    }
  }

  #reload(index: number, client: ClientNode): void {
    const watched = client.watched()
    this.#links.get(client)?.cut(false, true)
    this.#links.delete(client)
    client.end()
    const next = this.#newClient(index, Number(client.name.split('.')[1]) + 1)
    this.clients[index] = next
    for (const space of watched) next.watch(space)
  }

  #applyToGateway(op: Extract<Op, { gateway: number }>): void {
    const gateway = this.gateways[op.gateway]
    if (gateway === undefined) return
    switch (op.kind) {
      case 'crash':
        return gateway.crash(op.clientsSee, this.#isHealed ? 0 : op.forMs)
      case 'drain':
        return gateway.drain(op.forMs)
      case 'freeze': {
        const { gate } = gateway
        gate?.freeze()
        this.time.after(op.forMs, () => gate?.thaw())
        return
      }
      case 'busCut':
        gateway.bus?.cut(op.unnoticedMs)
        return
      case 'busForgets':
        gateway.bus?.forget(spaceName(op.space))
        return
      default:
        op satisfies never
    }
  }

  #newClient(index: number, life: number): ClientNode {
    const { time, api, oracle } = this
    const name = `c${index}.${life}`
    return new ClientNode(name, beingOf(index), {
      time,
      api,
      oracle,
      chance: new Chance(this.#plan.seed, name),
      weather: () => this.#weather,
      connect: (client, handlers) => this.#connect(client, handlers),
      note: (what) => this.note(what),
      met: (what) => add(this.coverage, what),
    })
  }

  /** The network between clients and gateways, with a balancer that is wrong now and then. */
  #connect(client: ClientNode, handlers: SocketHandlers): ClientSocket {
    const { time, oracle } = this
    const chance = new Chance(this.#plan.seed, `connection ${client.name} ${++this.#connections}`)
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
        bufferBytes: this.#plan.shape.tuning.socketBufferBytes,
        idleMs: IDLE_MS,
        sent: (text) => audit.sent(text),
        heard: (text) => audit.heard(text, time.now()),
      })
      link = made
      this.#links.set(client, made)
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
