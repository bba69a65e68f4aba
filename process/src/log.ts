/**
 * The log of a process: one line of JSON for each event, on the standard output, in one shape.
 *
 *   {"level":40,"time":"2026-01-31T12:00:00.000Z","component":"gateway", … ,"msg":"Redis is not reached"}
 *
 * `level` is pino's number (30 info, 40 warn, 50 error, 60 fatal). Where they apply a line has `requestId`,
 * `connection`, `being`, `condition`, and `err` with its stack. No secret is written: redact.ts.
 */
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { redactor } from './redact.ts'
import type { LogLevel } from './settings.ts'

/** The little of a logger that most parts need; pino is one. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type ProcessLog = Logger

export interface LogOptions {
  component: string
  level: LogLevel
  /** What must never be written. */
  secrets: readonly string[]
  /** The standard output, unless another is given. */
  destination?: DestinationStream
}

export function createLog({ component, level, secrets, destination }: LogOptions): ProcessLog {
  const redact = redactor(secrets)
  const options = {
    level,
    base: { component },
    timestamp: stdTimeFunctions.isoTime,
    hooks: { streamWrite: redact },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
