/**
 * The network between clients and gateways, with a balancer that is wrong now and then. Everything that goes over it is
 * read along (wire-audit.ts).
 */
import type { SocketHandlers, ClientSocket } from '../../client/src/runtime/websocket.ts'
import type { BeingId } from '@rhizom/protocol'
import type { ClientHandlers } from '../../gateway/src/ports.ts'
import { Chance } from './chance.ts'
import type { Gate } from './gate.ts'
import type { GatewayNode } from './gateway-node.ts'
import { Link } from './link.ts'
import type { Oracle } from './oracle.ts'
import type { Shape, Weather } from './plan.ts'
import type { ProcessFacts } from './presence-ledger.ts'
import type { PresenceOracle } from './presence-oracle.ts'
import { RosterAudit } from './roster-audit.ts'
import { SignalAudit, type SignalBook } from './signal-audit.ts'
import type { VirtualTime } from './virtual-time.ts'
import { WireAudit } from './wire-audit.ts'

/** Whoever connects. */
export interface NetworkClient {
  readonly name: string
  readonly being: BeingId
  readonly gate: Gate
  /** The page is gone. */
  end(): void
}

export interface NetworkPorts {
  time: VirtualTime
  seed: number
  shape: Shape
  weather: () => Weather
  gateways: readonly GatewayNode[]
  oracle: Oracle
  presence: PresenceOracle
  signals: SignalBook
}

/** After so long without a sign of the peer a gateway's socket ends. */
const IDLE_MS = 12_000
const CONNECTION_LOST = 1006
/** The longest that a message is on its way from one gateway to another, in fair weather. */
const BUS_TAKES_MS = 100

/** No signal is older than this when it reaches somebody. */
export const mostSignalAgeMs = ({ presence, tuning }: Shape): number =>
  presence.signalWindowMs + tuning.fanOutWindowMs + BUS_TAKES_MS

export class Network {
  /** The connection that each client made last. */
  readonly links = new Map<NetworkClient, Link>()
  /** And the gateway that it leads to. */
  readonly homes = new Map<NetworkClient, GatewayNode>()
  /** All of a client's: while it moves it has two. */
  readonly #made = new Map<NetworkClient, Link[]>()
  readonly #ports: NetworkPorts
  readonly #connections = new Map<string, number>()

  constructor(ports: NetworkPorts) {
    this.#ports = ports
  }

  /** The client is no more: its gateways hear that its connections have ended. */
  gone(client: NetworkClient): void {
    for (const link of this.#made.get(client) ?? []) link.cut(false, true)
    this.#made.delete(client)
    this.links.delete(client)
  }

  connect(client: NetworkClient, handlers: SocketHandlers): ClientSocket {
    const { time, seed, shape, weather, gateways } = this.#ports
    const count = (this.#connections.get(client.name) ?? 0) + 1
    this.#connections.set(client.name, count)
    const chance = new Chance(seed, `connection ${client.name} ${count}`)
    const isWrong = chance.happens(weather().wrongDoor)
    const open = gateways.filter(({ isListening }) => isListening)
    const gateway = chance.pick(isWrong || open.length === 0 ? gateways : open)
    let isGivenUp = false
    let link: Link | undefined
    time.after(chance.int(5, 40), () => {
      if (isGivenUp || gateway === undefined) return
      if (isWrong || !gateway.isListening || gateway.gate === undefined) {
        // A machine that is gone answers nothing at all: the client's own patience ends it.
        if (chance.happens(0.8)) client.gate.enter(() => !isGivenUp && handlers.onClose(CONNECTION_LOST, ''))
        return
      }
      const audit = this.#auditOf(client, gateway.facts, `${client.name} by ${gateway.name}`, () => made.isOpen)
      const made: Link = new Link(client.gate, handlers, gateway.gate, {
        time,
        chance,
        bufferBytes: shape.tuning.socketBufferBytes,
        idleMs: IDLE_MS,
        sent: (text) => audit.sent(text),
        heard: (text) => audit.heard(text, time.now()),
      })
      link = made
      this.links.set(client, made)
      this.#made.set(client, [...(this.#made.get(client) ?? []).filter(({ isOpen }) => isOpen), made])
      this.homes.set(client, gateway)
      gateway.gate.enter(() => {
        const taken = gateway.connect(made, made.gatewaySocket)
        if (taken === undefined) made.cut(true, false)
        else made.opened(this.#noting(taken, client, audit))
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

  #auditOf(client: NetworkClient, process: ProcessFacts | undefined, name: string, isOpen: () => boolean): WireAudit {
    const { time, oracle, presence, signals: book, shape } = this.#ports
    const { fanOutWindowMs } = shape.tuning
    const { signalWindowMs } = shape.presence
    const facts = process ?? presence.ledger.started('nobody')
    return new WireAudit(oracle, client.being, new RosterAudit(presence, facts, name, isOpen), (audit) => {
      return new SignalAudit({
        time,
        book,
        windowMs: signalWindowMs - fanOutWindowMs - 1,
        mostAgeMs: mostSignalAgeMs(shape),
        isOpen,
        isQuiet: () => oracle.isCalm && presence.isQuiet,
        mayRead: (space) => audit.mayRead(space),
        fail: (text) => oracle.fail('S24', `${name} is sent ${text}`),
      })
    })
  }

  /** What a gateway hears is read along, and what it hears of signals written down, as it hears it. */
  #noting(handlers: ClientHandlers, { being }: NetworkClient, audit: WireAudit): ClientHandlers {
    return {
      textReceived: (text) => {
        for (const [, space, name, number] of text.matchAll(SIGNAL))
          if (space !== undefined && name !== undefined)
            this.#ports.signals.taken(Number(number), { space, name, from: being }, audit.signals)
        audit.read(text)
        handlers.textReceived(text)
      },
      binaryReceived: () => handlers.binaryReceived(),
      controlReceived: () => handlers.controlReceived(),
      writable: () => handlers.writable(),
      closed: () => handlers.closed(),
    }
  }
}

const SIGNAL = /"type":"signal","space":"([^"]+)","name":"([^"]+)","data":{"n":(\d+)}/g
