/**
 * Presence of one simulated gateway: the real hub, whose every word from connections is also written down as a fact
 * (presence-ledger.ts), and which takes a moment longer until a roster is known.
 */
import type { BeingId, JsonObject, SpaceId } from '@rhizom/protocol'
import type { Leave, Log } from '../../gateway/src/ports.ts'
import { PresenceHub } from '../../gateway/src/presence/hub.ts'
import { createPresenceMetrics, type PresenceMetrics } from '../../gateway/src/presence/metrics.ts'
import type { Chance } from './chance.ts'
import type { Gate } from './gate.ts'
import type { PresenceTuning } from './plan.ts'
import type { PresenceLedger, ProcessFacts } from './presence-ledger.ts'
import type { SimulatedStore } from './simulated-store.ts'

export interface SimulatedHubPorts {
  gate: Gate
  chance: Chance
  store: SimulatedStore
  ledger: PresenceLedger
  log: Log
  presence: PresenceTuning
}

const RETRY_MS = 500
/** What it takes to know who is here, beside reading it. */
const MOST_DELAY_MS = 40

export class SimulatedHub extends PresenceHub {
  readonly metrics: PresenceMetrics
  readonly #facts: ProcessFacts
  readonly #ports: SimulatedHubPorts
  /** They name every roster there is. */
  #leave: Leave | undefined

  constructor(facts: ProcessFacts, ports: SimulatedHubPorts) {
    const { gate, store, log } = ports
    const { graceMs, windowMs, listLimit, leaseMs } = ports.presence
    const metrics = createPresenceMetrics()
    let boots = 0
    super({
      clock: { nowMs: ports.ledger.now, dateMs: ports.ledger.now, after: gate.after },
      random: () => 0.5,
      store,
      lastSeen: { note: () => undefined, flush: () => Promise.resolve(), stop: () => undefined },
      newBootId: () => `${facts.name.replace('.', '_')}_${++boots}`,
      metrics,
      log,
      faulted: (error) => log.error({ error: String(error) }, 'a fault was contained'),
      settings: { roster: { graceMs, windowMs, listLimit }, lease: { leaseMs, retryMs: RETRY_MS } },
    })
    this.metrics = metrics
    this.#facts = facts
    this.#ports = ports
  }

  /** What it still kept when it stopped, in words. */
  get remains(): string | undefined {
    const rosters = [...(this.#leave?.beings ?? [])]
    const said = rosters.map(([space, beings]) => `a roster of ${space} with ${beings.join(' ') || 'nobody'}`)
    return said.length === 0 ? undefined : said.join(', ')
  }

  leaves(leave: Leave): void {
    this.#leave = leave
  }

  override async ready(space: SpaceId): Promise<void> {
    const { gate, chance } = this.#ports
    await Promise.all([super.ready(space), gate.later(chance.int(0, MOST_DELAY_MS), () => undefined)])
  }

  override came(space: SpaceId, connection: number, being: BeingId): void {
    this.#ports.ledger.came(this.#facts, space, connection, being)
    super.came(space, connection, being)
  }

  override left(space: SpaceId, connection: number): void {
    this.#ports.ledger.left(this.#facts, space, connection)
    super.left(space, connection)
  }

  override ended(space: SpaceId, connection: number): void {
    this.#ports.ledger.dismissed(this.#facts, space, connection)
    super.ended(space, connection)
  }

  override restricted(space: SpaceId, mayRead: (being: BeingId) => boolean): void {
    this.#ports.ledger.restricted(this.#facts, space, mayRead)
    super.restricted(space, mayRead)
  }

  override stateSet(space: SpaceId, connection: number, being: BeingId, state: JsonObject): void {
    this.#ports.ledger.stateSet(this.#facts, space, connection, state)
    super.stateSet(space, connection, being, state)
  }

  override prolong(ms: number): void {
    this.#ports.ledger.prolonged(this.#facts, ms)
    super.prolong(ms)
  }
}
