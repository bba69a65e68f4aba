/** @rhizom/client: keeps spaces in step with the server. Hooks are in `@rhizom/client/react`. */
export { type ClientOptions, createClient, type RhizomClient } from './client.ts'
export * from './core/connection.ts'
export * from './core/connection-state.ts'
export * from './core/older.ts'
export * from './core/presence-state.ts'
export * from './core/self-presence.ts'
export * from './core/space-content.ts'
export * from './core/space-event.ts'
export * from './core/space-state.ts'
export * from './core/sync-status.ts'
export * from './core/times.ts'
export * from './core/typing-state.ts'
export { browserEnvironment, type DeviceEvent, type Environment } from './runtime/environment.ts'
export {
  createHttp,
  createSession,
  type Http,
  type HttpProblem,
  type HttpResult,
  type HttpTarget,
} from './runtime/http.ts'
export {
  forgetSession,
  type KeyValueStorage,
  loadSession,
  memoryStorage,
  safeStorage,
  saveSession,
  type Session,
} from './runtime/storage.ts'
export type { ClientSocket, OpenSocket, SocketHandlers } from './runtime/websocket.ts'
export { type MutationArgs, type MutationSpace, newId } from './sync/mutation.ts'
export type { MutationOutcome, PendingMutation } from './sync/mutation-queue.ts'
export type { Said, Signal } from './sync/signals.ts'
export { spaceKey, type WatchOptions } from './sync/space-sync.ts'
