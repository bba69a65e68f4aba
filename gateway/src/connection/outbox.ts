/**
 * What goes out to one client: runs the send budget (core/connection/send-budget.ts) over its socket. The only holder of the
 * socket; after it is closed or gone every send is a no-op.
 */
import {
  budgetWakesAt,
  fresh,
  type SendBudget,
  type SendBudgetSettings,
  type SendEvent,
  type SendVerdict,
  stepSendBudget,
} from '../core/connection/send-budget.ts'
import type { Clock } from '@rhizom/machine'
import type { ClientSocket } from '../ports.ts'

export class Outbox {
  readonly #clock: Clock
  readonly #settings: SendBudgetSettings
  readonly #fellBehind: () => void
  #socket: ClientSocket | undefined
  #budget: SendBudget = fresh

  /** `fellBehind` is told once, when the client has to go. */
  constructor(socket: ClientSocket, clock: Clock, settings: SendBudgetSettings, fellBehind: () => void) {
    this.#socket = socket
    this.#clock = clock
    this.#settings = settings
    this.#fellBehind = fellBehind
  }

  get isOpen(): boolean {
    return this.#socket !== undefined
  }

  get wakesAt(): number | undefined {
    return budgetWakesAt(this.#budget, this.#settings)
  }

  /** Whether another answer would have to wait. */
  isFull(): boolean {
    return this.#unsentBytes() > this.#settings.maxUnsentBytes
  }

  /** Small frames for this client alone. Who does not read them is as slow as who does not read live ones. */
  send(text: string): void {
    this.#offer(text)
  }

  sendLive(batch: Uint8Array): void {
    this.#offer(batch)
  }

  /** False if it has to wait until what lies unsent has drained, or if the client is gone. */
  sendAnswer(message: Uint8Array): boolean {
    if (this.#socket === undefined) return false
    const offer = { type: 'answerOffered', unsentBytes: this.#unsentBytes(), answerBytes: message.length } as const
    if (this.#step(offer) !== 'send') return false
    this.#write(message)
    return this.isOpen
  }

  /** True if there is room for answers again. */
  drained(): boolean {
    if (this.#socket === undefined) return false
    this.#step({ type: 'drained', unsentBytes: this.#unsentBytes() })
    return this.isOpen && !this.isFull()
  }

  ticked(): void {
    if (this.#socket !== undefined) this.#step({ type: 'ticked', unsentBytes: this.#unsentBytes() })
  }

  close(code: number, reason: string): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.close(code, reason)
  }

  /** The socket closed by itself. */
  forget(): void {
    this.#socket = undefined
  }

  #unsentBytes(): number {
    return this.#socket?.unsentBytes() ?? 0
  }

  #offer(message: string | Uint8Array): void {
    if (this.#socket === undefined) return
    if (this.#step({ type: 'liveOffered', unsentBytes: this.#unsentBytes() }) === 'send') this.#write(message)
  }

  #write(message: string | Uint8Array): void {
    if (this.#socket !== undefined) this.#step({ type: 'sendEnded', outcome: this.#socket.send(message) })
  }

  #step(event: SendEvent): SendVerdict {
    const { state, verdict } = stepSendBudget(this.#budget, event, this.#clock.nowMs(), this.#settings)
    this.#budget = state
    if (verdict === 'close') this.#fellBehind()
    return verdict
  }
}
