/** What a bot is given from outside. */
/** As `POST /v1/sessions` gives it. `expiresAt` is in milliseconds since 1970. */
export interface BotSession {
  token: string
  expiresAt: number
  being: { id: string }
  /** Gives the next session when the token has run out; each is used once, and no other copy has it. */
  renewal?: string | undefined
}

export interface BotLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const silentLog: BotLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
