/** @rhizom/bots: a bot is a function from what was asked to what it says; everything else is here. Node only. */
export { type Answer, AnswerError, type Asked, type Said } from './answer.ts'
export { type Conversation, type Line, withinBudget } from './core/conversation.ts'
export { type BotMetrics, createBotMetrics } from './metrics.ts'
export type { BotLog, BotSession } from './ports.ts'
export { type BotOptions, runBot, type RunningBot } from './run-bot.ts'
export { serveHealth } from './health.ts'
export { sessionFromToken } from './session-from-token.ts'
