/**
 * Presence of one simulated gateway: the real hub, whose every word from connections is also written down as a fact
 * (presence-ledger.ts), and which takes a moment longer until a roster is known.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import type { Leave, Log } from '../../gateway/src/ports.ts'
import { type PresenceHandle, PresenceHub } from '../../gateway/src/presence/hub.ts'
import { createPresenceMetrics, type PresenceMetrics } from '../../gateway/src/presence/metrics.ts'
import type { RosterHandle } from '../../gateway/src/presence/space-presence.ts'
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
      clock: { nowMs: ports.ledger.now, dateMs: () => ports.ledger.now() + facts.dateAheadMs, after: gate.after },
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

  override join(space: SpaceId, being: BeingId, connection: number): PresenceHandle {
    const { ledger } = this.#ports
    const facts = this.#facts
    ledger.came(facts, space, connection, being)
    const handle = super.join(space, being, connection)
    return {
      setState: (state) => {
        ledger.stateSet(facts, space, connection, state)
        handle.setState(state)
      },
      leave: () => {
        ledger.left(facts, space, connection)
        handle.leave()
      },
    }
  }

  override watch(space: SpaceId, tell: (frame: Uint8Array) => void): RosterHandle {
    const { gate, chance, ledger } = this.#ports
    const roster = super.watch(space, tell)
    return {
      answerPart: (newcomers) => roster.answerPart(newcomers),
      hintReceived: (message) => roster.hintReceived(message),
      unwatch: () => roster.unwatch(),
      ready: async () => {
        await Promise.all([roster.ready(), gate.later(chance.int(0, MOST_DELAY_MS), () => undefined)])
      },
      retainOnly: (mayRead) => {
        ledger.restricted(this.#facts, space, mayRead)
        roster.retainOnly(mayRead)
      },
    }
  }

  override extendGrace(ms: number): void {
    this.#ports.ledger.prolonged(this.#facts, ms)
    super.extendGrace(ms)
  }
}
