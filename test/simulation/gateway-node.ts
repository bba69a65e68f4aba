/**
 * A gateway as a process: the real gateway over simulated ports. Each start is a new one that knows nothing of the
 * one before.
 */
import { Accounts } from '@rhizom/process'
import type { SpaceId } from '@rhizom/protocol'
import { Gateway, type GatewaySettings } from '../../gateway/src/gateway.ts'
import type { Metrics } from '../../gateway/src/observe.ts'
import type { ClientHandlers, ClientSocket, Log } from '../../gateway/src/ports.ts'
import type { PresenceMetrics } from '../../gateway/src/presence/metrics.ts'
import { createMetrics } from '../../gateway/src/observe.ts'
import { Wall } from '../../gateway/src/wall.ts'
import type { ApiModel } from './api-model.ts'
import type { Chance } from './chance.ts'
import { Gate } from './gate.ts'
import type { Link } from './link.ts'
import type { Oracle } from './oracle.ts'
import type { PresenceTuning, Tuning } from './plan.ts'
import type { PresenceLedger, ProcessFacts } from './presence-ledger.ts'
import type { RedisModel } from './redis-model.ts'
import { SimulatedBus } from './simulated-bus.ts'
import { SimulatedHub } from './simulated-hub.ts'
import { SimulatedStore } from './simulated-store.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface GatewayNodePorts {
  time: VirtualTime
  chance: Chance
  presenceChance: Chance
  api: ApiModel
  redis: RedisModel
  oracle: Oracle
  ledger: PresenceLedger
  tuning: Tuning
  presence: PresenceTuning
  /** How often the connection to what Redis holds breaks at a command. */
  storeBreaks(): number
  note(what: string): void
}

interface Process {
  facts: ProcessFacts
  gate: Gate
  bus: SimulatedBus
  store: SimulatedStore
  hub: SimulatedHub
  gateway: Gateway
  links: Set<Link>
  isListening: boolean
}

const DRAIN_WITHIN_MS = 1_500
/** Also for those who were here and may come back elsewhere. */
const STOPPED_WITHIN_MS = 6_000
const KILLED_AFTER_MS = 1_500

export class GatewayNode {
  readonly name: string
  /** Reads of each space since it was last asked to begin counting. */
  readonly reads = new Map<SpaceId, number>()
  /** Of this process and of those before it. */
  readonly metrics: Metrics[] = []
  readonly presenceMetrics: PresenceMetrics[] = []
  readonly #ports: GatewayNodePorts
  #process: Process | undefined
  #starts = 0
  /** What the date of its machine is ahead of the true one. */
  #dateAheadMs = 0

  constructor(name: string, ports: GatewayNodePorts) {
    this.name = name
    this.#ports = ports
    this.start()
  }

  get isListening(): boolean {
    return this.#process?.isListening === true
  }

  get gate(): Gate | undefined {
    return this.#process?.gate
  }

  get bus(): SimulatedBus | undefined {
    return this.#process?.bus
  }

  get store(): SimulatedStore | undefined {
    return this.#process?.store
  }

  /** It stands still, or its way to Redis is not well. */
  get isTroubled(): boolean {
    return this.#process !== undefined && (!this.#process.gate.isOpen || this.#process.store.isTroubled)
  }

  get hub(): SimulatedHub | undefined {
    return this.#process?.hub
  }

  get facts(): ProcessFacts | undefined {
    return this.#process?.facts
  }

  /** What it still holds, in words. */
  get left(): string | undefined {
    const process = this.#process
    const connections = process?.gateway.connectionCount ?? 0
    const channels = process?.bus.channels ?? 0
    return connections + channels === 0 ? undefined : `${connections} connections and ${channels} channels`
  }

  start(): void {
    if (this.#process !== undefined) return
    const { time, chance, redis, api, tuning, note, oracle, ledger, presence } = this.#ports
    const start = ++this.#starts
    const facts = ledger.started(`${this.name}.${start}`, this.#dateAheadMs)
    const gate = new Gate(time)
    const underWay = new Map<SpaceId, number>()
    // A feed that closes while it reads may be followed by another one at once: those are two feeds.
    const bus = new SimulatedBus(redis, gate, (space) => underWay.delete(space))
    const store = new SimulatedStore({
      redis,
      gate,
      chance: this.#ports.presenceChance,
      breaks: this.#ports.storeBreaks,
      leaves: (leave) => hub.leaves(leave),
    })
    const hub: SimulatedHub = new SimulatedHub(facts, { gate, chance, store, ledger, log: this.#log(), presence })
    let sessions = 0
    const metrics = createMetrics()
    const gateway = new Gateway(
      {
        clock: { nowMs: time.now, dateMs: time.now, after: gate.after },
        random: () => chance.next(),
        newConnectionId: () => `${this.name}.${start}.${++sessions}`,
        bus,
        api: {
          read: async (space, request) => {
            const { after, reason } = request
            note(`${this.name} reads ${space} after ${after?.version ?? 'nothing'} (${reason})`)
            oracle.readBegan(this.name, space, underWay.get(space) ?? 0)
            this.reads.set(space, (this.reads.get(space) ?? 0) + 1)
            underWay.set(space, (underWay.get(space) ?? 0) + 1)
            const outcome = await api.read(gate, space, request)
            underWay.set(space, Math.max(0, (underWay.get(space) ?? 0) - 1))
            return outcome
          },
          heads: (spaces) => api.heads(gate, spaces),
          // Nobody is removed here.
          revoked: ({ since }) =>
            gate.later(1, () => ({ type: 'answered', revoked: {}, next: { since }, isWhole: true })),
          // Nobody follows.
          news: () => gate.later(1, () => ({ type: 'failed', problem: 'not modelled' })),
        },
        presence: hub,
        verifyToken: (token) => api.verify(gate, token),
        // Nobody here says too much.
        accounts: new Accounts({
          clock: { nowMs: time.now, after: gate.after },
          shared: undefined,
          budgets: {},
          overrides: {},
          counted: () => undefined,
        }),
        metrics,
        log: this.#log(),
        wall: new Wall(this.#log(), (behind) => metrics.faults.inc({ behind })),
        room: { bad: () => undefined, good: () => undefined },
      },
      { ...settingsOf(tuning), signalWindowMs: presence.signalWindowMs },
    )
    this.metrics.push(metrics)
    this.presenceMetrics.push(hub.metrics)
    this.#process = { facts, gate, bus, store, hub, gateway, links: new Set(), isListening: true }
    note(`${this.name} starts`)
  }

  /** Takes a connection in, as its server would. */
  connect(link: Link, socket: ClientSocket): ClientHandlers | undefined {
    const process = this.#process
    if (process?.isListening !== true) return undefined
    process.links.add(link)
    return process.gateway.connect(socket)
  }

  crash(clientsSee: boolean, forMs: number): void {
    if (this.#process === undefined) return
    this.#ports.note(`${this.name} crashes${clientsSee ? '' : ', unseen'}`)
    this.#end(clientsSee, false)
    this.#ports.time.after(forMs, () => this.start())
  }

  /** Presence is given the date; the rest of a gateway compares it with tokens, which is left to its own tests. */
  stepDate(byMs: number): void {
    this.#dateAheadMs += byMs
    this.#ports.ledger.dateStepped(this.#process?.facts, byMs)
  }

  freeze(forMs: number): void {
    const { gate } = this
    const { ledger, time } = this.#ports
    if (gate === undefined) return
    ledger.disturbed()
    gate.freeze()
    time.after(forMs, () => {
      ledger.disturbed()
      gate.thaw()
    })
  }

  drain(forMs: number): void {
    const process = this.#process
    if (process?.isListening !== true) return
    const { time, note, ledger } = this.#ports
    note(`${this.name} drains`)
    process.isListening = false
    const gone = (): void => {
      if (this.#process !== process) return
      note(`${this.name} is drained`)
      this.#end(true, true)
      time.after(forMs, () => this.start())
    }
    // As lifecycle.ts: those who were here stay for their grace, within what is left of the time there is.
    let isStopping = false
    const stop = (): void => {
      if (isStopping) return
      isStopping = true
      ledger.ended(process.facts, true)
      void process.gateway.stop().then(gone)
    }
    process.gate.enter(() => void process.gateway.drain().then(() => process.gateway.emptied().then(stop)))
    process.gate.after(STOPPED_WITHIN_MS, stop)
    time.after(STOPPED_WITHIN_MS + KILLED_AFTER_MS, gone)
  }

  #end(clientsSee: boolean, isStopped: boolean): void {
    const process = this.#process
    if (process === undefined) return
    this.#process = undefined
    process.gate.kill()
    this.#ports.ledger.ended(process.facts, isStopped)
    void process.bus.stop()
    process.store.stop()
    for (const link of process.links) link.cut(clientsSee, false)
  }

  /** A gateway warns of Redis only; an error is a defect. */
  #log(): Log {
    const quiet = (): void => undefined
    const error = (fields: object, message: string): void =>
      this.#ports.oracle.fail('S7', `${this.name} logs an error: ${message} ${JSON.stringify(fields)}`)
    return { debug: quiet, info: quiet, warn: quiet, error }
  }
}

function settingsOf(tuning: Tuning): Omit<GatewaySettings, 'signalWindowMs'> {
  const sendBudget = { maxUnsentBytes: tuning.maxUnsentBytes, stallMs: 3_000 }
  return {
    connection: {
      limits: {
        helloTimeoutMs: 4_000,
        heartbeatMs: tuning.heartbeatMs,
        frames: { perSecond: 20, burst: 100 },
        maxFrameBytes: 64 * 1_024,
        maxHelloBytes: 8 * 1_024,
        maxSubscriptions: 64,
        maxStateBytes: 1_024,
        maxSignalBytes: 1_024,
        maxRefusedInRow: 20,
        maxMalformedInRow: 5,
      },
      sendBudget,
      refusedBytes: 4_096,
    },
    // Simulated time is in whole milliseconds.
    wheel: { tickMs: 1, slots: 8_000 },
    feed: {
      ring: { maxChanges: tuning.ringChanges, maxBytes: tuning.ringBytes },
      parked: { maxRuns: tuning.parkedRuns, maxBytes: 100_000 },
      reorderGraceMs: tuning.reorderGraceMs,
      joinTimeoutMs: tuning.joinTimeoutMs,
      patienceMs: tuning.patienceMs,
      lingerMs: tuning.lingerMs,
      retry: { minMs: 25, baseMs: 100, maxMs: 2_000 },
      maxHeldSnapshotBytes: tuning.heldSnapshotBytes,
    },
    fanOut: { windowMs: tuning.fanOutWindowMs, maxBatchBytes: tuning.maxBatchBytes },
    news: { windowMs: 1_000, checkMs: 60_000, pauseMs: 20, retry: { minMs: 25, baseMs: 100, maxMs: 2_000 } },
    headsPoll: { quickMs: 1_000, slowMs: 10_000, gatherMs: 50 },
    drain: { withinMs: DRAIN_WITHIN_MS, spreadMs: 3_000, spreadPerClientMs: 300, handoverMs: 500 },
    allowedOrigins: [],
    trustedProxies: 0,
    maxConnections: 10_000,
    maxHeldBytes: 1e9,
    maxConnectionsPerAddress: 1_000,
    maxConnectionsPerBeing: 1_000,
  }
}
