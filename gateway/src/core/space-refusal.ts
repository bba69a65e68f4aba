/** Why whoever asks for a space gets no answer: it is not there for them, or what it takes to know that is away. */
export type SpaceRefusal = { code: 'not-found' } | { code: 'unavailable'; retryAfterMs: number }
