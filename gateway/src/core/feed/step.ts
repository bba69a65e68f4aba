/** How steps of the feed machine are put together from smaller ones: a state, and effects in the order they are due. */
import type { Moment } from '@rhizom/machine'
import type { ClosedFeed, FeedEffect, FeedSettings, FeedState, FeedStep, OpenFeed } from './state.ts'

export interface StepContext {
  at: Moment
  settings: FeedSettings
}

export const doing = <State extends FeedState>(state: State, ...effects: readonly FeedEffect[]): FeedStep<State> => ({
  state,
  effects,
})

/** One step, and another from where it led. */
export function andThen<State extends FeedState, Next extends FeedState>(
  first: FeedStep<State>,
  next: (state: State) => FeedStep<Next>,
): FeedStep<Next> {
  const second = next(first.state)
  if (first.effects.length === 0) return second
  return { state: second.state, effects: [...first.effects, ...second.effects] }
}

/** The space is gone. */
export const end = (feed: OpenFeed): FeedStep<ClosedFeed> =>
  doing(
    { status: 'closed', space: feed.space },
    ...feed.waiting.map(({ watcher }): FeedEffect => ({ type: 'refuse', watcher, refusal: { code: 'not-found' } })),
    { type: 'end' },
    { type: 'leaveChannel' },
  )
