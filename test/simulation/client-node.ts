/**
 * A client as it runs on a page: the real connector, space sync and session keeper of the client package over an
 * environment of virtual time and simulated network. Only HTTP is shortened: renewing a token is a call of a function.
 */
import type { BeingId, JsonObject, SpaceId } from '@rhizom/protocol'
import type { SpaceState } from '../../client/src/core/space-state.ts'
import { transportsOf } from '../../client/src/runtime/transport.ts'
import { type Connector, createConnector } from '../../client/src/sync/connector.ts'
import { createSessionKeeper, type SessionKeeper } from '../../client/src/sync/session-keeper.ts'
import { createSignals, type Signals } from '../../client/src/sync/signals.ts'
import { createSpaceSync, type SpaceSync } from '../../client/src/sync/space-sync.ts'
import { memoryStore, type SpaceStore } from '../../client/src/sync/store.ts'
import { describeCause } from '../../client/src/core/sync-status.ts'
import type { DeviceEvent, Environment } from '../../client/src/runtime/environment.ts'
import { byDeviceDate, memoryStorage, type Session } from '../../client/src/runtime/storage.ts'
import type { ClientSocket, SocketHandlers } from '../../client/src/runtime/websocket.ts'
import { aBeing } from '../../client/src/testing/space-log.ts'
import type { ApiModel } from './api-model.ts'
import type { Chance } from './chance.ts'
import { Gate } from './gate.ts'
import { distortFrame } from './distort-frames.ts'
import type { Oracle } from './oracle.ts'
import type { Weather } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface ClientPorts {
  time: VirtualTime
  chance: Chance
  api: ApiModel
  oracle: Oracle
  weather(): Weather
  connect(client: ClientNode, handlers: SocketHandlers): ClientSocket
  note(what: string): void
  met(what: string): void
}

const ANSWER = /^{"type":"(?:snapshot|resumed)","space":"([^"]+)"/gm
const CREATED_AT = 1_700_000_000_000

export const someBeing = (id: BeingId, location: SpaceId | null) => ({
  id,
  type: 'guest' as const,
  name: id.slice(1),
  owner: null,
  location,
  metadata: {},
  properties: {},
  content: [],
  rev: 0,
  createdAt: CREATED_AT,
  modifiedAt: CREATED_AT,
  lastSeenAt: null,
})

export class ClientNode {
  readonly name: string
  readonly being: BeingId
  readonly gate: Gate
  readonly #ports: ClientPorts
  readonly #connector: Connector
  readonly #spaces: SpaceSync
  readonly #keeper: SessionKeeper
  readonly #signals: Signals
  readonly #watches = new Map<SpaceId, () => void>()
  readonly #presences = new Map<SpaceId, () => void>()
  readonly #ownStates = new Map<SpaceId, JsonObject>()
  readonly #states = new Map<SpaceId, SpaceState>()
  /** What this device's date is ahead of the world's. */
  #dateAheadMs = 0
  /** What the server asked for last: no attempt before. */
  #notBefore = 0
  #sockets = 0

  constructor(name: string, being: BeingId, ports: ClientPorts) {
    this.name = name
    this.being = being
    this.#ports = ports
    this.gate = new Gate(ports.time)
    const environment = this.#environment()
    this.#keeper = createSessionKeeper({
      environment,
      session: this.#dated({ ...ports.api.issueToken(being), being: someBeing(being, null) }),
      refresh: () => this.#refresh(),
      onRenewal: (renewal) => {
        ports.note(`${name}: its token is ${renewal.status}`)
        if (renewal.status === 'renewed') this.#connector.dispatch({ type: 'tokenRenewed' })
        else if (renewal.status === 'refused')
          this.#connector.dispatch({ type: 'tokenRefused', message: renewal.message })
        else this.#connector.dispatch({ type: 'tokenRenewalFailed', ...renewal })
      },
    })
    let status = 'idle'
    this.#connector = createConnector({
      environment,
      transports: transportsOf(['websocket'], { environment, syncUrl: 'simulated', apiUrl: '' }),
      token: () => this.#keeper.session().token,
      noteLeftOut: (leftOut) => leftOut.forEach((sort) => environment.report(`left out: ${sort}`)),
    })
    this.#connector.listen({
      renewToken: () => void this.#keeper.renew(),
      onLive: () => this.#spaces.wentLive(),
      onMove: () => this.#spaces.move(),
      isAnswered: () => this.#spaces.isAnswered(),
      onDown: () => {
        this.#spaces.wentDown()
        this.#signals.wentDown()
      },
      onFrames: (frames) => {
        this.#spaces.receive(frames)
        this.#signals.receive(frames)
      },
      onState: (state) => {
        if (state.status !== status) {
          const why = 'cause' in state && state.cause !== undefined ? `: ${describeCause(state.cause)}` : ''
          ports.note(`${name} is ${state.status}${why}`)
          ports.met(`client ${state.status}`)
        }
        status = state.status
        if (state.status === 'stopped') ports.oracle.fail('S7', `${name} has stopped: ${JSON.stringify(state.cause)}`)
      },
    })
    this.#spaces = createSpaceSync({
      environment,
      store: this.#watchedStore(),
      http: { olderIntentions: () => Promise.reject(new Error('nobody asks for older ones here')) },
      self: aBeing(being),
      // Nothing is written by these clients: what the nodes write is not theirs.
      queue: { entriesOf: () => [], confirm: () => undefined },
      isLive: this.#connector.isOpen,
      send: this.#connector.send,
    })
    this.#signals = createSignals({
      environment,
      isWatched: this.#spaces.isWatched,
      isCurrent: this.#spaces.isCurrent,
      send: this.#connector.send,
    })
    this.#keeper.start()
    this.#connector.dispatch({ type: 'connectRequested' })
  }

  get isLive(): boolean {
    return this.#connector.isOpen()
  }

  get status(): string {
    return this.#connector.state().status
  }

  watched(): SpaceId[] {
    return [...new Set([...this.#watches.keys(), ...this.#presences.keys()])]
  }

  /** Where it wants to be seen. */
  present(): SpaceId[] {
    return [...this.#presences.keys()]
  }

  ownState(space: SpaceId): JsonObject | undefined {
    return this.#ownStates.get(space)
  }

  state(space: SpaceId): SpaceState | undefined {
    return this.#states.get(space)
  }

  watch(space: SpaceId): void {
    if (!this.#watches.has(space)) this.#watches.set(space, this.#spaces.watch(space, { present: false }))
  }

  unwatch(space: SpaceId): void {
    this.#watches.get(space)?.()
    this.#watches.delete(space)
  }

  comeIn(space: SpaceId): void {
    if (!this.#presences.has(space)) this.#presences.set(space, this.#spaces.watch(space))
  }

  goOut(space: SpaceId): void {
    this.#presences.get(space)?.()
    this.#presences.delete(space)
  }

  setState(space: SpaceId, state: JsonObject): void {
    if (!this.#presences.has(space) && this.#states.get(space) === undefined) return
    this.#ownStates.set(space, state)
    this.#spaces.setState(space, state)
  }

  signal(space: SpaceId, name: string, data: JsonObject): void {
    this.#signals.send(space, name, data)
  }

  /** What a person does who sees that something is wrong. */
  retry(): void {
    this.#connector.dispatch({ type: 'retryRequested' })
    for (const space of this.watched())
      if (this.#states.get(space)?.subscription.status === 'closed')
        this.#spaces.dispatch(space, { type: 'retryRequested' })
  }

  /** Somebody sets the date of the device. */
  stepDate(byMs: number): void {
    this.#dateAheadMs += byMs
  }

  device(event: DeviceEvent): void {
    if (event !== 'networkLost') this.#keeper.wake()
    this.#connector.dispatch({ type: event })
  }

  /** The page is gone. */
  end(): void {
    this.gate.kill()
    this.#keeper.stop()
    this.#spaces.stop()
    this.#signals.wentDown()
  }

  async #refresh() {
    const { api } = this.#ports
    const session = await api.request(this.gate, () => ({
      ...api.issueToken(this.being),
      being: someBeing(this.being, null),
    }))
    if (session !== undefined) return { ok: true as const, value: this.#dated(session) }
    const problem = { code: 'network', message: 'no answer', path: undefined, retry: 'later' as const, retryAfterMs: 0 }
    return { ok: false as const, problem }
  }

  /** As the client reads an answer of HTTP, by the server's date in it. */
  readonly #dated = (session: Session): Session =>
    byDeviceDate(session, this.#ports.time.now(), this.#ports.time.now() + this.#dateAheadMs)

  /** The store of the client, with somebody who sees all that is written. */
  #watchedStore(): SpaceStore {
    const { oracle } = this.#ports
    const store = memoryStore()
    store.onRemoved((id) => {
      const before = this.#states.get(id)
      this.#states.delete(id)
      this.#ownStates.delete(id)
      oracle.contentChanged(this.name, id, before?.content, undefined)
    })
    return {
      ...store,
      write: (id, state) => {
        store.write(id, state)
        this.#stateChanged(id, state)
      },
    }
  }

  #stateChanged(id: SpaceId, after: SpaceState): void {
    const { oracle, note, met } = this.#ports
    const before = this.#states.get(id)
    this.#states.set(id, after)
    const { subscription, content } = after
    if (subscription.status !== before?.subscription.status) {
      met(`space ${subscription.status}`)
      note(`${this.name} ${id} is ${subscription.status}${'reason' in subscription ? `: ${subscription.reason}` : ''}`)
    }
    if (content === before?.content) return
    const held = content === undefined ? 'nothing' : `${content.position.epoch.slice(0, 4)}:${content.position.version}`
    note(`${this.name} ${id} holds ${held}`)
    oracle.contentChanged(this.name, id, before?.content, content)
  }

  #environment(): Environment {
    const { time, chance, oracle } = this.#ports
    return {
      nowMs: () => time.elapsed,
      dateMs: () => time.now() + this.#dateAheadMs,
      random: () => chance.next(),
      after: this.gate.after,
      openSocket: (_url, handlers) => this.#openSocket(handlers),
      takeStreamPlace: async () => undefined,
      fetch: () => Promise.reject(new Error('there is no HTTP here')),
      storage: memoryStorage(),
      isOnline: () => true,
      onDevice: () => () => undefined,
      report: (problem, cause) => {
        const text = cause instanceof Error ? `${problem}: ${cause.stack}` : problem
        if (!problem.includes('not JSON')) oracle.fail('S3', `${this.name} reports: ${text}`)
      },
    }
  }

  /** Spaces that it takes for closed, of those that a message answers. */
  #closedAmong(text: string): Map<SpaceId, SpaceState> {
    const closed = new Map<SpaceId, SpaceState>()
    for (const [, space] of text.matchAll(ANSWER)) {
      const state = space === undefined ? undefined : this.#states.get(space)
      if (space !== undefined && state?.subscription.status === 'closed') closed.set(space, state)
    }
    return closed
  }

  #openSocket(handlers: SocketHandlers): ClientSocket {
    const { time, oracle } = this.#ports
    oracle.attempted(this.name)
    if (time.now() < this.#notBefore)
      oracle.fail('S6', `${this.name} comes ${this.#notBefore - time.now()} ms sooner than it was asked to`)
    this.#sockets += 1
    const number = this.#sockets
    const socket = this.#ports.connect(this, {
      ...handlers,
      onText: (text) => {
        const asked = /"reconnectAfterMs":(\d+)/.exec(text)?.[1]
        if (asked !== undefined) this.#notBefore = time.now() + Number(asked)
        const heard = distortFrame(text, {
          ...this.#ports,
          isAsking: (space) => this.#states.get(space)?.subscription.status === 'asking',
          garbled: (line) => this.#ports.note(`${this.name} does not understand ${line.slice(0, 90)}`),
        })
        const closed = this.#closedAmong(heard)
        handlers.onText(heard)
        // While it moves, what it believes of a space comes from the other connection.
        for (const [space, state] of number === this.#sockets ? closed : [])
          if (this.#states.get(space) === state)
            oracle.fail('S26', `${this.name} is answered with ${space}, and goes on taking it for closed`)
      },
      onClose: (code, reason) => {
        oracle.closed(this.name, code)
        handlers.onClose(code, reason)
      },
    })
    return {
      send: (text) => {
        for (const [, space] of text.matchAll(/"type":"subscribe","space":"([^"]+)"/g))
          if (space !== undefined) oracle.subscribed(this.name, space)
        socket.send(text)
      },
      close: () => socket.close(),
    }
  }
}
