/**
 * One gateway, free of any transport: lets clients in, runs a connection for each, shares the feeds among them, and
 * lets them go again. What carries the bytes is given from outside (ports.ts).
 */
import { type Accounts, clientAddress, type ConditionLog, isOriginAllowed, networkOf } from '@rhizom/process'
import type { BeingId, CloseName } from '@rhizom/protocol'
import { Connection, type ConnectionDeps, connectionDeps, type ConnectionSettings } from './connection/connection.ts'
import { Crowd } from './connection/crowd.ts'
import { TimerWheel, type TimerWheelSettings } from './connection/timer-wheel.ts'
import { type DrainSettings, planDrain } from './core/connection/drain.ts'
import type { FeedSettings } from './core/feed/state.ts'
import type { PollSettings } from './core/poll.ts'
import type { TokenId } from './core/revocations.ts'
import type { FanOutSettings } from './space/fan-out.ts'
import type { NewsSettings } from './core/news/news.ts'
import { NewsDesk } from './news/news-desk.ts'
import { MemoryBudget } from './memory-budget.ts'
import { Spaces } from './space/spaces.ts'
import { gauge, type Metrics } from './observe.ts'
import type { Clock, Random } from '@rhizom/machine'
import type { Bus, BusListener, ClientHandlers, ClientSocket, Log, ApiClient, VerifyToken } from './ports.ts'
import type { PresenceHub } from './presence/hub.ts'
import { RevocationWatch } from './api/revocation-watch.ts'
import type { Wall } from './wall.ts'

export interface GatewaySettings {
  connection: ConnectionSettings
  wheel: TimerWheelSettings
  feed: FeedSettings
  fanOut: FanOutSettings
  /** Of signals of the same name and being only the latest goes on within this. */
  signalWindowMs: number
  headsPoll: PollSettings
  news: NewsSettings
  drain: DrainSettings
  allowedOrigins: readonly string[]
  trustedProxies: number
  maxConnections: number
  /** Of spaces and clients together (memory-budget.ts). */
  maxHeldBytes: number
  maxConnectionsPerAddress: number
  maxConnectionsPerBeing: number
}

export interface GatewayDeps {
  clock: Clock
  random: Random
  /** A name nobody had before, for a connection. */
  newConnectionId(): string
  bus: Bus
  api: ApiClient
  presence: PresenceHub
  verifyToken: VerifyToken
  accounts: Accounts
  metrics: Metrics
  log: Log
  wall: Wall
  /** Whether there is room for what comes. */
  room: Pick<ConditionLog, 'bad' | 'good'>
}

/** What is known of a client when it knocks. */
export interface UpgradeRequest {
  origin: string
  host: string
  peer: string
  forwardedFor: string
}

/** All connections of one address share it. */
export interface Admitted {
  readonly admitted: true
  readonly network: string
  count: number
}

/** `refusal` is told by a close code, because browsers do not show pages why an upgrade failed. */
export type Admission = Admitted | { admitted: false; refusal: CloseName }

export class Gateway {
  readonly metrics: Metrics
  readonly #deps: GatewayDeps
  readonly #settings: GatewaySettings
  readonly #spaces: Spaces
  readonly #revocations: RevocationWatch
  readonly #news: NewsDesk
  readonly #connectionDeps: ConnectionDeps
  readonly #connections = new Set<Connection>()
  /** Those that asked to be told of work. */
  readonly #workers = new Set<Connection>()
  readonly #admitted = new Map<string, Admitted>()
  readonly #crowd: Crowd
  readonly #memory: MemoryBudget
  /** Connections and those that are about to be. */
  #admittedCount = 0
  #lastId = 0
  #isApiAway = false
  #drained: (() => void) | undefined

  constructor(deps: GatewayDeps, settings: GatewaySettings) {
    this.#deps = deps
    this.#settings = settings
    this.#crowd = new Crowd(settings.maxConnectionsPerBeing)
    this.metrics = deps.metrics
    const { room } = deps
    const memory = new MemoryBudget({
      clock: deps.clock,
      maxBytes: settings.maxHeldBytes,
      condition: { bad: (trouble) => room.bad(trouble, 'memory'), good: () => room.good('memory') },
      counted: (holder) => this.metrics.memoryReleases.inc({ of: holder }),
    })
    memory.releasedBy('spaces', (bytes) => this.#spaces.release(bytes))
    memory.releasedBy('clients', (bytes) => overload(this.#connections, bytes))
    this.#memory = memory
    const { feed, fanOut, headsPoll, signalWindowMs } = settings
    this.#news = new NewsDesk({
      ...deps,
      settings: settings.news,
      asked: (outcome) => this.metrics.newsQuestions.inc({ outcome }),
    })
    this.#spaces = new Spaces({
      ...{ ...deps, memory, feed, fanOut, headsPoll, signalWindowMs },
      alsoWatched: () => this.#news.spaces,
      polledHeads: (heads) => this.#news.headsLearned(heads),
    })
    this.#revocations = new RevocationWatch({
      ...deps,
      settings: headsPoll,
      revoked: (ids) => this.#revoke(ids),
      asked: (outcome) => {
        this.metrics.revocationPolls.inc({ outcome })
        this.#isApiAway = outcome !== 'answered'
        if (outcome === 'answered') deps.bus.apiAnswered()
      },
    })
    this.#connectionDeps = connectionDeps({
      ...deps,
      ...settings.connection,
      memory,
      wheel: new TimerWheel(deps.clock, (error) => deps.wall.report('timer', error), settings.wheel),
      spaces: this.#spaces,
      isRevoked: (id) => this.#revocations.isRevoked(id),
      isApiAway: () => this.#isApiAway,
      nextId: () => ++this.#lastId,
      enters: (being) => this.#crowd.enter(being),
      awaitsWork: (worker) => this.#workers.add(worker),
      followsNews: (follower, being) => this.#news.follow(follower, being),
      closed: (closed) => this.#closed(closed),
    })
    gauge(this.metrics, {
      connections: () => this.#connections.size,
      heldBytes: () => new Map(Object.entries(memory.held)),
      connectionStates: () => this.#connectionsByStatus(),
      feeds: () => this.#spaces.size,
      parked: () => this.#spaces.parked,
      revoked: () => this.#revocations.size,
      newsFollowers: () => this.#news.size,
      isRedisUp: () => deps.bus.isUp(),
    })
    deps.bus.start(
      busListener(this.#spaces, deps.presence, this.#revocations, this.#news, (beings) => this.#announceWork(beings)),
    )
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  isOriginAllowed({ origin, host }: UpgradeRequest): boolean {
    return isOriginAllowed(origin, host, this.#settings.allowedOrigins)
  }

  /** Decides whether a client may connect. An admitted one has to be released when it is gone. */
  admit(request: UpgradeRequest): Admission {
    const { trustedProxies, maxConnections, maxConnectionsPerAddress } = this.#settings
    if (this.#drained !== undefined) return this.#refuse('draining')
    if (this.#memory.isFull) return this.#refuse('overloaded')
    if (this.#admittedCount >= maxConnections) {
      this.#deps.room.bad({
        reason: 'MAX_CONNECTIONS is reached: others are refused',
        problem: `${maxConnections} are open`,
      })
      return this.#refuse('overloaded')
    }
    if (!this.isOriginAllowed(request)) return this.#refuse('originNotAllowed')
    const network = networkOf(clientAddress(request.peer, request.forwardedFor, trustedProxies))
    const admitted: Admitted = this.#admitted.get(network) ?? { admitted: true, network, count: 0 }
    if (admitted.count >= maxConnectionsPerAddress) return this.#refuse('tooMany')
    admitted.count += 1
    this.#admittedCount += 1
    this.#admitted.set(network, admitted)
    return admitted
  }

  release(admitted: Admitted): void {
    admitted.count -= 1
    this.#admittedCount -= 1
    if (this.#admittedCount < this.#settings.maxConnections) this.#deps.room.good()
    if (admitted.count === 0) this.#admitted.delete(admitted.network)
  }

  connect(socket: ClientSocket): ClientHandlers {
    const connection = new Connection(this.#deps.newConnectionId(), socket, this.#connectionDeps)
    this.#connections.add(connection)
    return connection
  }

  /** Tells everybody to come back elsewhere and resolves when all are gone. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve
      const { random, presence } = this.#deps
      const connections = [...this.#connections]
      const plans = connections.map(() => planDrain(connections.length, random(), this.#settings.drain))
      presence.extendGrace(Math.max(0, ...plans.map(({ reconnectAfterMs }) => reconnectAfterMs)))
      for (const [index, plan] of plans.entries()) connections[index]?.drain(plan)
      this.#resolveIfDrained()
    })
  }

  /** Resolves when the grace of all who were here is over. */
  emptied(): Promise<void> {
    return this.#deps.presence.whenEmpty()
  }

  async stop(): Promise<void> {
    this.#spaces.stop()
    this.#revocations.stop()
    this.#news.stop()
    await this.#deps.presence.stop()
    await this.#deps.bus.stop()
  }

  #refuse(refusal: CloseName): Admission {
    this.metrics.refusedConnections.inc({ reason: refusal })
    return { admitted: false, refusal }
  }

  /** Nobody sees a removed being here any more; connections of it, and of ended sessions, end. */
  #revoke(ids: ReadonlySet<TokenId>): void {
    this.#deps.presence.removeBeings(new Set([...ids].filter(isBeing)))
    for (const connection of this.#connections) {
      const { being, session } = connection
      if (being !== undefined && ids.has(being)) connection.revoke('beingRevoked')
      else if (session !== undefined && ids.has(session)) connection.revoke('sessionEnded')
    }
  }

  /** To all who asked where nobody knows whom it concerns. */
  #announceWork(beings: ReadonlySet<BeingId> | 'all'): void {
    for (const worker of this.#workers)
      if (beings === 'all' || (worker.being !== undefined && beings.has(worker.being))) worker.announceWork()
  }

  /** Told of one that met a fault while it was closed as well. */
  #closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    this.#workers.delete(connection)
    if (connection.being !== undefined) this.#crowd.leave(connection.being)
    this.#news.leave(connection)
    this.#resolveIfDrained()
  }

  #resolveIfDrained(): void {
    if (this.#connections.size === 0) this.#drained?.()
  }

  #connectionsByStatus(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { status } of this.#connections) counts.set(status, (counts.get(status) ?? 0) + 1)
    return counts
  }
}

/** Closes those for whom most is held, until so many bytes are let go of. Says of how many. */
function overload(connections: Iterable<Connection>, bytes: number): number {
  const holding = [...connections].filter(({ heldBytes }) => heldBytes > 0)
  holding.sort((one, other) => other.heldBytes - one.heldBytes)
  let released = 0
  for (const connection of holding) {
    if (released >= bytes) break
    released += connection.heldBytes
    connection.overload()
  }
  return released
}

const isBeing = (id: TokenId): id is BeingId => id.startsWith('@')

/** Feeds, presence, revocations, news and whoever waits for work follow the same bus. */
const busListener = (
  spaces: Spaces,
  presence: PresenceHub,
  revocations: RevocationWatch,
  news: NewsDesk,
  announceWork: (beings: ReadonlySet<BeingId> | 'all') => void,
): BusListener => ({
  joined: (space) => {
    spaces.joined(space)
    presence.channelJoined(space)
  },
  message: (space, message) => spaces.message(space, message),
  heads: (heads) => {
    spaces.heads(heads)
    news.headsLearned(Object.entries(heads))
  },
  revoked: (revoked) => revocations.learn(revoked),
  work: (beings) => announceWork(new Set(beings)),
  news: (concerned) => news.concerned(concerned),
  gatewayBeat: (message) => presence.gatewayBeatReceived(message),
  lost: () => {
    spaces.lost()
    presence.busLost()
    revocations.dispatch({ type: 'busLost' })
  },
  // Who is here is told by gateways and not by the api: it is none the worse for this.
  deaf: () => {
    spaces.lost()
    revocations.dispatch({ type: 'busLost' })
  },
  recovered: () => {
    spaces.recovered()
    presence.busRecovered()
    revocations.dispatch({ type: 'busRecovered' })
    // What was said meanwhile nobody heard.
    announceWork('all')
    news.busRecovered()
  },
})
