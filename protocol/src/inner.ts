/** @rhizom/protocol/internal: what our own processes say to each other, over Redis and over the internal paths. */
export * from './bus.ts'
export * from './internal.ts'
export * from './operator.ts'
export * from './presence.ts'
export * from './session-token.ts'
export * from './weak-secret.ts'
