/**
 * Wakes thousands with one timer: a hashed timing wheel (Varghese and Lauck, 1987). Whoever is to be woken stands in
 * the slot of its tick; the timer waits for the next slot in which somebody stands, and wakes all of it together. So a
 * heartbeat for each of 15,000 connections is some fifty wakings a second and not hundreds.
 *
 * Nobody is woken before it is due, and at most a tick after it. Whoever wants to be woken later than when it stands is
 * looked at when its tick comes, which costs less than moving it each time.
 */
import type { Cancel, Clock } from '@rhizom/machine'

export interface Sleeper {
  /** When it wants to be woken, on the clock of the wheel; undefined for never. */
  readonly wakesAtMs: number | undefined
  /** The tick at which it is looked at. The wheel's own. */
  tick: number
  wake(): void
}

export interface TimerWheelSettings {
  tickMs: number
  /** Whoever is due in more ticks than that is passed over by each turn until its own. */
  slots: number
}

/** Of a sleeper that stands in no slot. */
export const AWAKE = -1
/** A turn is a little longer than the usual interval of heartbeats. */
export const WHEEL: TimerWheelSettings = { tickMs: 20, slots: 1_100 }

export class TimerWheel {
  readonly #clock: Pick<Clock, 'nowMs' | 'after'>
  readonly #faulted: (error: unknown) => void
  readonly #tickMs: number
  readonly #slots: Set<Sleeper>[]
  /** Up to which tick everybody was looked at. */
  #reached: number
  #timer: { tick: number; cancel: Cancel } | undefined

  /** `faulted` is told what one of them throws; the others are woken all the same. */
  constructor(
    clock: Pick<Clock, 'nowMs' | 'after'>,
    faulted: (error: unknown) => void,
    { tickMs, slots }: TimerWheelSettings,
  ) {
    this.#clock = clock
    this.#faulted = faulted
    this.#tickMs = tickMs
    this.#slots = Array.from({ length: slots }, () => new Set())
    this.#reached = Math.floor(clock.nowMs() / tickMs)
  }

  /** Looks at when it wants to be woken. To be called whenever that may be sooner than before. */
  schedule(sleeper: Sleeper): void {
    const { wakesAtMs } = sleeper
    if (wakesAtMs === undefined) return this.forget(sleeper)
    const tick = Math.max(Math.ceil(wakesAtMs / this.#tickMs), this.#reached + 1)
    if (sleeper.tick !== AWAKE && sleeper.tick <= tick) return
    this.forget(sleeper)
    sleeper.tick = tick
    this.#slotOf(tick).add(sleeper)
    this.#arm(tick)
  }

  forget(sleeper: Sleeper): void {
    if (sleeper.tick === AWAKE) return
    this.#slotOf(sleeper.tick).delete(sleeper)
    sleeper.tick = AWAKE
  }

  #slotOf(tick: number): Set<Sleeper> {
    const slot = this.#slots[tick % this.#slots.length]
    if (slot === undefined) throw new Error(`there is no slot for tick ${tick}`)
    return slot
  }

  #arm(tick: number): void {
    if (this.#timer !== undefined && this.#timer.tick <= tick) return
    this.#timer?.cancel()
    const delayMs = Math.max(0, tick * this.#tickMs - this.#clock.nowMs())
    this.#timer = { tick, cancel: this.#clock.after(delayMs, () => this.#turn()) }
  }

  #turn(): void {
    this.#timer = undefined
    const from = this.#reached + 1
    // A timer may fire a little early.
    this.#reached = Math.max(this.#reached, Math.floor(this.#clock.nowMs() / this.#tickMs))
    // After a long stall each slot is looked at once.
    const last = Math.min(this.#reached, from + this.#slots.length - 1)
    for (let tick = from; tick <= last; tick += 1) this.#wakeAll(this.#slotOf(tick))
    const next = this.#nextTick()
    if (next !== undefined) this.#arm(next)
  }

  #wakeAll(slot: Set<Sleeper>): void {
    for (const sleeper of slot) {
      if (sleeper.tick > this.#reached) continue
      this.forget(sleeper)
      const { wakesAtMs } = sleeper
      try {
        if (wakesAtMs !== undefined && wakesAtMs <= this.#clock.nowMs()) sleeper.wake()
      } catch (error) {
        this.#faulted(error)
      }
      this.schedule(sleeper)
    }
  }

  /** The first in whose slot somebody stands, maybe for a later turn. */
  #nextTick(): number | undefined {
    for (let tick = this.#reached + 1; tick <= this.#reached + this.#slots.length; tick += 1)
      if (this.#slotOf(tick).size > 0) return tick
    return undefined
  }
}
