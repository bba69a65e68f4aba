/**
 * The wall around whatever a peer sets off: a frame, a message of the bus, a request, a timer that one of these wound
 * up. What is thrown behind it is a bug of ours that this peer met; it is logged and counted, and ends there, because
 * an exception that reaches uWebSockets.js or the event loop ends the process and with it everybody else's connections.
 */
import type { Clock } from '@rhizom/machine'
import type { Log } from './ports.ts'

/** What stood behind the wall; a label of the metric. */
export type Behind = 'connection' | 'space' | 'socket' | 'request' | 'bus' | 'timer' | 'promise' | 'news'

export class Wall {
  readonly #log: Log
  readonly #counted: (behind: Behind) => void

  constructor(log: Log, counted: (behind: Behind) => void) {
    this.#log = log
    this.#counted = counted
  }

  /** Runs, and gives `otherwise` if that throws. */
  around<T>(behind: Behind, run: () => T, otherwise: (error: unknown) => T): T {
    try {
      return run()
    } catch (error) {
      this.report(behind, error)
      return otherwise(error)
    }
  }

  report(behind: Behind, error: unknown, fields: object = {}): void {
    this.#counted(behind)
    this.#log.error({ ...fields, behind, err: described(error) }, 'a fault was contained')
  }

  /** A clock whose timers stand behind the wall. */
  clock(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      dateMs: () => clock.dateMs(),
      after: (delayMs, callback) => clock.after(delayMs, () => this.around('timer', callback, () => undefined)),
    }
  }
}

/** As a plain object, so that whoever holds or prints the line has the stack too. */
const described = (error: unknown): object =>
  error instanceof Error
    ? { type: error.name, message: error.message, stack: error.stack }
    : { type: typeof error, message: String(error) }
