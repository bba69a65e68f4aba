/**
 * What goes out to one client: runs the send budget (core/connection/send-budget.ts) over its socket. The only holder
 * of the socket; after it is closed or gone every send is a no-op.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import {
  budgetWakesAtMs,
  fresh,
  type SendBudget,
  type SendBudgetSettings,
  type SendEvent,
  type SendVerdict,
  stepSendBudget,
} from '../core/connection/send-budget.ts'
import type { ClientSocket } from '../ports.ts'

export class Outbox {
  readonly #clock: Clock
  readonly #settings: SendBudgetSettings
  readonly #fellBehind: () => void
  #socket: ClientSocket | undefined
  #budget: SendBudget = fresh
  #timer: Cancel | undefined

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

  close(code: number, reason: string): void {
    const socket = this.#socket
    this.forget()
    socket?.close(code, reason)
  }

  /** The socket closed by itself. */
  forget(): void {
    this.#socket = undefined
    this.#timer?.()
    this.#timer = undefined
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
    else this.#sleep()
    return verdict
  }

  /** Looks again whether a large answer drains. */
  #sleep(): void {
    const wakesAtMs = budgetWakesAtMs(this.#budget, this.#settings)
    if (wakesAtMs === undefined || this.#timer !== undefined || this.#socket === undefined) return
    this.#timer = this.#clock.after(Math.max(0, wakesAtMs - this.#clock.nowMs()), () => {
      this.#timer = undefined
      if (this.#socket !== undefined) this.#step({ type: 'timePassed', unsentBytes: this.#unsentBytes() })
    })
  }
}
