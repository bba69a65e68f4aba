/** Bounds and times of the contract: each is an export of a module, of which a bundler takes those that are used. */
export * as LIMITS from './limit.ts'
export * as TIMES from './time.ts'
