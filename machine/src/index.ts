/** @rhizom/machine: how a state machine is run, in a server and in a browser. Depends on nothing. */
export { type Budget, intervalMs, payable, spentTo, waitMs } from './account.ts'
export * from './backoff.ts'
export * from './clock.ts'
export * from './machine.ts'
export * from './runner.ts'
export * from './system-clock.ts'
export * from './window.ts'
