/**
 * A gateway as a process: the real gateway over simulated ports. Each start is a new one that knows nothing of the
 * one before.
 */
import type { SpaceId } from '@rhizom/protocol'
import { Gateway, type GatewaySettings } from '../../gateway/src/gateway.ts'
import type { Metrics } from '../../gateway/src/observe.ts'
import type { ClientHandlers, ClientSocket, Log } from '../../gateway/src/ports.ts'
import { emptyRoster } from '../../gateway/src/presence/roster.ts'
import type { ApiModel } from './api-model.ts'
import type { Chance } from './chance.ts'
import { Gate } from './gate.ts'
import type { Link } from './link.ts'
import type { Oracle } from './oracle.ts'
import type { Tuning } from './plan.ts'
import { type RedisModel, SimulatedBus } from './redis-model.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface GatewayNodePorts {
  time: VirtualTime
  chance: Chance
  api: ApiModel
  redis: RedisModel
  oracle: Oracle
  tuning: Tuning
  note(what: string): void
}

interface Process {
  gate: Gate
  bus: SimulatedBus
  gateway: Gateway
  links: Set<Link>
  isListening: boolean
}

const DRAIN_WITHIN_MS = 1_500

export class GatewayNode {
  readonly name: string
  /** Reads of each space since it was last asked to begin counting. */
  readonly reads = new Map<SpaceId, number>()
  /** Of this process and of those before it. */
  readonly metrics: Metrics[] = []
  readonly #ports: GatewayNodePorts
  #process: Process | undefined
  #starts = 0

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

  /** What it still holds, in words. */
  get left(): string | undefined {
    const process = this.#process
    const connections = process?.gateway.connectionCount ?? 0
    const channels = process?.bus.channels ?? 0
    return connections + channels === 0 ? undefined : `${connections} connections and ${channels} channels`
  }

  start(): void {
    if (this.#process !== undefined) return
    const { time, chance, redis, api, tuning, note, oracle } = this.#ports
    const start = ++this.#starts
    const gate = new Gate(time)
    const underWay = new Map<SpaceId, number>()
    // A feed that closes while it reads may be followed by another one at once: those are two feeds.
    const bus = new SimulatedBus(redis, gate, (space) => underWay.delete(space))
    let sessions = 0
    const gateway = new Gateway(
      {
        clock: { now: time.now, after: gate.after },
        random: () => chance.next(),
        newSessionId: () => `${this.name}.${start}.${++sessions}`,
        bus,
        reader: {
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
        },
        // Nobody is listed, but knowing so takes its time.
        roster: { ...emptyRoster, ready: () => gate.later(chance.int(0, 40), () => undefined) },
        verifyToken: (token) => api.verify(gate, token),
        log: this.#log(),
      },
      settingsOf(tuning),
    )
    this.metrics.push(gateway.metrics)
    this.#process = { gate, bus, gateway, links: new Set(), isListening: true }
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
    this.#end(clientsSee)
    this.#ports.time.after(forMs, () => this.start())
  }

  drain(forMs: number): void {
    const process = this.#process
    if (process?.isListening !== true) return
    const { time, note } = this.#ports
    note(`${this.name} drains`)
    process.isListening = false
    const end = (): void => {
      if (this.#process !== process) return
      note(`${this.name} is drained`)
      this.#end(true)
      time.after(forMs, () => this.start())
    }
    process.gate.enter(() => void process.gateway.drain().then(end))
    time.after(DRAIN_WITHIN_MS * 2, end)
  }

  #end(clientsSee: boolean): void {
    const process = this.#process
    if (process === undefined) return
    this.#process = undefined
    process.gate.kill()
    void process.bus.stop()
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

function settingsOf(tuning: Tuning): GatewaySettings {
  const sendBudget = { maxUnsentBytes: tuning.maxUnsentBytes, stallMs: 3_000 }
  return {
    connection: {
      session: {
        helloTimeoutMs: 4_000,
        heartbeatMs: tuning.heartbeatMs,
        frames: { perSecond: 20, burst: 100 },
        maxSubscriptions: 64,
        maxStateBytes: 1_024,
        maxSignalBytes: 1_024,
        maxRefusedInRow: 20,
        maxMalformedInRow: 5,
      },
      sendBudget,
      maxFrameBytes: 64 * 1_024,
    },
    feed: {
      ring: { maxChanges: tuning.ringChanges, maxBytes: tuning.ringBytes },
      parked: { maxRuns: tuning.parkedRuns, maxBytes: 100_000 },
      reorderGraceMs: tuning.reorderGraceMs,
      joinTimeoutMs: tuning.joinTimeoutMs,
      patienceMs: tuning.patienceMs,
      lingerMs: tuning.lingerMs,
      retry: { baseMs: 100, maxMs: 2_000 },
      maxHeldSnapshotBytes: tuning.heldSnapshotBytes,
    },
    fanOut: { windowMs: tuning.fanOutWindowMs, maxBatchBytes: tuning.maxBatchBytes },
    headsPoll: { quickMs: 1_000, slowMs: 10_000, gatherMs: 50 },
    drain: { withinMs: DRAIN_WITHIN_MS, spreadMs: 3_000, spreadPerClientMs: 300, batch: 1, batchEveryMs: 100 },
    allowedOrigins: undefined,
    trustedProxies: 0,
    maxConnectionsPerAddress: 1_000,
  }
}
