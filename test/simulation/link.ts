/**
 * One connection between a client and a gateway, as TCP would have it: in order, nothing lost or doubled until it
 * ends. It can stall in either direction, whereupon what is sent piles up with the sender; it can be cut, whereupon
 * what is on its way is lost and either end may or may not hear of it.
 */
import type { SendOutcome } from '../../gateway/src/core/connection/send-budget.ts'
import type { ClientHandlers, ClientSocket } from '../../gateway/src/ports.ts'
import type { SocketHandlers } from '../../client/src/runtime/websocket.ts'
import type { Chance } from './chance.ts'
import type { Gate } from './gate.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface LinkPorts {
  time: VirtualTime
  chance: Chance
  /** More than this lying unsent and the socket drops what it is given. */
  bufferBytes: number
  /** After so long without a sign of the peer a gateway's socket ends. */
  idleMs: number
  /** What was put on the wire towards the client. */
  sent(text: string): void
  /** What the client says, as it leaves. */
  heard(text: string): void
}

interface End {
  gate: Gate
  isOpen: boolean
}

type Parcel = { text: string; bytes: number } | { code: number; reason: string }

const NO_CLOSE_FRAME = 1006
const decoder = new TextDecoder()

export class Link {
  readonly #ports: LinkPorts
  readonly #client: End & { handlers: SocketHandlers }
  readonly #gateway: End & { handlers: ClientHandlers | undefined }
  /** Bytes that the gateway's socket holds because the way down is stalled. */
  readonly #unsent: Parcel[] = []
  #unsentBytes = 0
  readonly #held: string[] = []
  #isDownStalled = false
  #isUpStalled = false
  #isCut = false
  #lastDown = 0
  #lastUp = 0

  constructor(client: Gate, handlers: SocketHandlers, gateway: Gate, ports: LinkPorts) {
    this.#ports = ports
    this.#client = { gate: client, isOpen: true, handlers }
    this.#gateway = { gate: gateway, isOpen: true, handlers: undefined }
  }

  get isOpen(): boolean {
    return !this.#isCut && (this.#client.isOpen || this.#gateway.isOpen)
  }

  /** The gateway took the connection: the client learns of it. */
  opened(handlers: ClientHandlers): void {
    this.#gateway.handlers = handlers
    this.#toClient(() => this.#client.handlers.onOpen())
  }

  /** What the gateway holds of it. */
  readonly gatewaySocket: ClientSocket = {
    send: (message) => this.#send(message),
    unsentBytes: () => this.#unsentBytes,
    close: (code, reason) => {
      this.#gateway.isOpen = false
      this.#put({ code, reason })
    },
    cut: () => {
      this.#gateway.isOpen = false
      this.cut(true, true)
    },
  }

  sendUp(text: string): void {
    if (!this.#client.isOpen || this.#isCut) return
    this.#ports.heard(text)
    if (this.#isUpStalled) this.#held.push(text)
    else this.#toGateway(() => this.#gateway.handlers?.textReceived(text))
  }

  closeByClient(): void {
    if (!this.#client.isOpen) return
    this.#client.isOpen = false
    this.#toGateway(() => this.#gatewayLearns())
  }

  stall(way: 'down' | 'up' | 'both', forMs: number): void {
    if (way !== 'up') this.#isDownStalled = true
    if (way !== 'down') this.#isUpStalled = true
    this.#ports.time.after(forMs, () => this.unstall())
  }

  unstall(): void {
    if (this.#isCut) return
    this.#isUpStalled = false
    for (const text of this.#held.splice(0)) this.#toGateway(() => this.#gateway.handlers?.textReceived(text))
    if (!this.#isDownStalled) return
    this.#isDownStalled = false
    for (const parcel of this.#unsent.splice(0)) this.#carry(parcel)
    this.#unsentBytes = 0
    this.#gateway.gate.enter(() => {
      if (this.#gateway.isOpen) this.#gateway.handlers?.writable()
    })
  }

  /** The connection is no more. Who does not see it finds out by silence. */
  cut(clientSees: boolean, gatewaySees: boolean): void {
    if (this.#isCut) return
    this.#isCut = true
    const { time, chance, idleMs } = this.#ports
    if (clientSees) time.after(chance.int(1, 30), () => this.#clientLearns(NO_CLOSE_FRAME, ''))
    time.after(gatewaySees ? chance.int(1, 30) : idleMs, () => this.#gatewayLearns())
  }

  #send(message: string | Uint8Array): SendOutcome {
    if (!this.#gateway.isOpen) return 'dropped'
    const text = typeof message === 'string' ? message : decoder.decode(message)
    const bytes = message.length
    if (this.#isDownStalled && this.#unsentBytes > this.#ports.bufferBytes) return 'dropped'
    this.#ports.sent(text)
    this.#put({ text, bytes })
    return this.#isDownStalled ? 'queued' : 'sent'
  }

  #put(parcel: Parcel): void {
    if (this.#isCut) return
    if (!this.#isDownStalled) {
      this.#carry(parcel)
      return
    }
    this.#unsent.push(parcel)
    if ('text' in parcel) this.#unsentBytes += parcel.bytes
  }

  #carry(parcel: Parcel): void {
    if ('text' in parcel) this.#toClient(() => this.#client.handlers.onText(parcel.text))
    else
      this.#toClient(() => {
        this.#isCut = true
        this.#clientLearns(parcel.code, parcel.reason)
      })
  }

  #toClient(run: () => void): void {
    const { time, chance } = this.#ports
    this.#lastDown = Math.max(this.#lastDown, time.now() + chance.int(2, 25))
    time.after(this.#lastDown - time.now(), () => {
      if (this.#isCut) return
      this.#client.gate.enter(() => {
        if (this.#client.isOpen) run()
      })
    })
  }

  #toGateway(run: () => void): void {
    const { time, chance } = this.#ports
    this.#lastUp = Math.max(this.#lastUp, time.now() + chance.int(2, 25))
    time.after(this.#lastUp - time.now(), () => {
      if (this.#isCut) return
      this.#gateway.gate.enter(() => {
        if (this.#gateway.isOpen) run()
      })
    })
  }

  #clientLearns(code: number, reason: string): void {
    this.#client.gate.enter(() => {
      if (!this.#client.isOpen) return
      this.#client.isOpen = false
      this.#client.handlers.onClose(code, reason)
    })
  }

  #gatewayLearns(): void {
    this.#isCut = true
    this.#gateway.gate.enter(() => {
      if (!this.#gateway.isOpen) return
      this.#gateway.isOpen = false
      this.#gateway.handlers?.closed()
    })
  }
}
