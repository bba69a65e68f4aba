/**
 * Answers with a language model, over the AI SDK: any provider by its package. The conversation becomes messages, cut
 * to a budget; what a provider refuses or has no room for is said in words, after its own retries.
 */
import {
  APICallError,
  type LanguageModel,
  type ModelMessage,
  RetryError,
  streamText,
  type ToolSet,
  isStepCount,
} from 'ai'
import { type Answer, AnswerError, type Asked } from './answer.ts'
import { type Line, withinBudget } from './core/conversation.ts'

export interface AnswerWithOptions {
  /** Who the model is to be, and how it is to answer. */
  instructions?: string
  /** Of the conversation that is sent along; about four make a token. */
  historyCharacters?: number
  tools?: ToolSet
  /** How often the model may use tools before it has to answer. */
  maxSteps?: number
  /** How often a provider that is busy or away is asked again, the wait growing. */
  maxRetries?: number
}

const BUSY = 'The model is busy: try again in a while'
const AWAY = 'The model does not answer'

export function answerWith(model: LanguageModel, options: AnswerWithOptions = {}): Answer {
  const { instructions, historyCharacters = 24_000, tools, maxSteps = 5, maxRetries = 4 } = options
  return async function* answer({ lines, signal }: Asked) {
    const { stream } = streamText({
      model,
      messages: messagesOf(withinBudget(lines, historyCharacters)),
      maxRetries,
      abortSignal: signal,
      stopWhen: isStepCount(maxSteps),
      // What goes wrong comes with the stream, and is said once.
      onError: () => undefined,
      ...(instructions === undefined ? {} : { system: instructions }),
      ...(tools === undefined ? {} : { tools }),
    })
    for await (const part of stream) {
      if (part.type === 'text-delta') yield part.text
      if (part.type === 'error') throw inWords(part.error)
      if (part.type === 'finish') mustBeWhole(part.finishReason)
    }
  }
}

/** Several people speak: each line of theirs says whose it is. */
const messagesOf = (lines: readonly Line[]): ModelMessage[] =>
  lines.map(({ isOwn, name, text }) =>
    isOwn ? { role: 'assistant', content: text } : { role: 'user', content: `${name}: ${text}` },
  )

function mustBeWhole(finishReason: string): void {
  if (finishReason === 'content-filter') throw new AnswerError('The model declined to answer this')
  if (finishReason === 'length') throw new AnswerError('The answer was longer than the model may say at once')
  if (finishReason === 'error' || finishReason === 'interrupted') throw new AnswerError(AWAY)
}

/** What the provider says of itself is for the log, and not for everybody in the space. */
function inWords(error: unknown): AnswerError {
  const last = RetryError.isInstance(error) ? error.lastError : error
  const isBusy = APICallError.isInstance(last) && (last.statusCode === 429 || last.statusCode === 529)
  return new AnswerError(isBusy ? BUSY : AWAY, { cause: error })
}
