/** For tests: keeps what was logged. */
import type { Log } from '../log.ts'

export interface HeldLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  fields: object
  message: string
}

export class HeldLog implements Log {
  readonly lines: HeldLine[] = []
  readonly debug = this.#keep('debug')
  readonly info = this.#keep('info')
  readonly warn = this.#keep('warn')
  readonly error = this.#keep('error')

  /** What was logged since the last call. */
  take(): HeldLine[] {
    return this.lines.splice(0)
  }

  #keep(level: HeldLine['level']) {
    return (fields: object, message: string): void => void this.lines.push({ level, fields, message })
  }
}
