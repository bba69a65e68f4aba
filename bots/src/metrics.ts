/** What a bot measures. */
import { metricSet, SECONDS } from '@rhizom/process'

export type BotMetrics = ReturnType<typeof createBotMetrics>

export function createBotMetrics() {
  const { registry, counter, gauge, histogram } = metricSet('rhizom_bot_')
  return {
    registry,
    replies: counter('replies_total', 'Replies that were claimed, by what became of them here', ['outcome']),
    claimsLost: counter('claims_taken_total', 'Claims that another copy had before'),
    characters: counter('characters_total', 'Characters written'),
    underWay: gauge('replies_under_way', 'Replies being carried out'),
    firstWords: histogram('first_words_seconds', 'From the claim to the first words', SECONDS),
  }
}
