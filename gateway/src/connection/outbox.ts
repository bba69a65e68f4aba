/**
 * What goes out to one client: runs the send budget (core/connection/send-budget.ts) over its socket. The only holder
 * of the socket; after it is closed or gone every send is a no-op. Whoever holds it wakes it.
 */
import type { Clock } from '@rhizom/machine'
import {
  budgetWakesAtMs,
  fresh,
  type SendBudget,
  type SendBudgetSettings,
  type SendEvent,
  type SendOutcome,
  type SendVerdict,
  stepSendBudget,
} from '../core/connection/send-budget.ts'
import type { MemoryBudget } from '../memory-budget.ts'
import type { ClientSocket } from '../ports.ts'

/** One for all. */
export interface OutboxDeps {
  clock: Clock
  sendBudget: SendBudgetSettings
  memory: MemoryBudget
}

/** Whose outbox it is. */
export interface OutboxOwner {
  /** Told once, when the client has to go. */
  fellBehind(): void
}

export class Outbox {
  readonly #deps: OutboxDeps
  readonly #owner: OutboxOwner
  #socket: ClientSocket | undefined
  #budget: SendBudget = fresh
  /** What lies unsent, as far as it is known: counted when something was not sent at once, and when it drains. */
  #heldBytes = 0

  constructor(socket: ClientSocket, owner: OutboxOwner, deps: OutboxDeps) {
    this.#socket = socket
    this.#owner = owner
    this.#deps = deps
  }

  get isOpen(): boolean {
    return this.#socket !== undefined
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** When to look again whether a large answer drains. */
  get wakesAtMs(): number | undefined {
    return this.#socket === undefined ? undefined : budgetWakesAtMs(this.#budget, this.#deps.sendBudget)
  }

  /** Whether another answer would have to wait. */
  isFull(): boolean {
    return this.#unsentBytes() > this.#deps.sendBudget.maxUnsentBytes
  }

  /** Small frames for this client alone. Who does not read them is as slow as who does not read live ones. */
  send(text: string): void {
    this.#offer(text)
  }

  /** Where nothing lies unsent the budget has nothing to decide, which is so for nearly all that is ever sent. */
  sendLive(batch: Uint8Array): void {
    if (this.#heldBytes > 0 || this.#budget !== fresh || this.#socket === undefined) return this.#offer(batch)
    const outcome = this.#socket.send(batch)
    if (outcome !== 'sent') this.#sent(outcome)
  }

  /** False if it has to wait until the client has read what lies unsent, or if the client is gone. */
  sendAnswer(message: Uint8Array): boolean {
    if (this.#socket === undefined) return false
    const offer = { type: 'answerOffered', unsentBytes: this.#unsentBytes(), answerBytes: message.length } as const
    if (this.#step(offer) !== 'send') return false
    this.#write(message)
    return this.isOpen
  }

  /** True if there is room for answers again. */
  writable(): boolean {
    if (this.#socket === undefined) return false
    this.#count()
    this.#step({ type: 'writable', unsentBytes: this.#unsentBytes() })
    return this.isOpen && !this.isFull()
  }

  timePassed(): void {
    if (this.#socket !== undefined) this.#step({ type: 'timePassed', unsentBytes: this.#unsentBytes() })
  }

  /** `atOnce` cuts a client off for whom anything lies unsent: it goes with it. */
  close(code: number, reason: string, atOnce: boolean): void {
    const socket = this.#socket
    const isCut = atOnce && this.#heldBytes > 0
    this.forget()
    if (isCut) socket?.cut()
    else socket?.close(code, reason)
  }

  /** The socket closed by itself. */
  forget(): void {
    this.#socket = undefined
    this.#count()
  }

  #count(): void {
    const bytes = this.#unsentBytes()
    const more = bytes - this.#heldBytes
    this.#heldBytes = bytes
    if (more !== 0) this.#deps.memory.add('clients', more)
  }

  #unsentBytes(): number {
    return this.#socket?.unsentBytes() ?? 0
  }

  #offer(message: string | Uint8Array): void {
    if (this.#socket === undefined) return
    if (this.#step({ type: 'liveOffered', unsentBytes: this.#unsentBytes() }) === 'send') this.#write(message)
  }

  #write(message: string | Uint8Array): void {
    if (this.#socket === undefined) return
    const outcome = this.#socket.send(message)
    if (outcome !== 'sent' || this.#heldBytes > 0 || this.#budget !== fresh) this.#sent(outcome)
  }

  #sent(outcome: SendOutcome): void {
    this.#step({ type: 'sendEnded', outcome })
    this.#count()
  }

  #step(event: SendEvent): SendVerdict {
    const { clock, sendBudget } = this.#deps
    const { state, verdict } = stepSendBudget(this.#budget, event, clock.nowMs(), sendBudget)
    this.#budget = state
    if (verdict === 'close') this.#owner.fellBehind()
    return verdict
  }
}
