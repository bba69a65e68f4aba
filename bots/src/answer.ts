/** What a bot does: it is given what was asked, and says something. */
import type { Intention } from '@rhizom/protocol'
import type { Conversation } from './core/conversation.ts'

export interface Asked extends Conversation {
  /** The intention that is being carried out. */
  reply: Intention
  /** 1 at first; more if a former holder did not come to the end. */
  attempt: number
  /** Aborts when somebody stops the reply, the claim is lost, or the bot is to stop. What is said then is dropped. */
  signal: AbortSignal
}

export type Said = string | AsyncIterable<string>

/** Whatever it throws makes the reply `failed`: an `AnswerError` with its words, anything else with general ones. */
export type Answer = (asked: Asked) => Said | Promise<Said>

/** Why there is no answer, in words for people. */
export class AnswerError extends Error {
  override name = 'AnswerError'
}
