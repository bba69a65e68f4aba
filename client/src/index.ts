/** @rhizom/client: keeps spaces in step with the server. Hooks are in `@rhizom/client/react`. */
export { type ClientOptions, createClient, type Foreseen, type MutateOptions, type RhizomClient } from './client.ts'
export { type NewsView, totalOf } from './core/news-view.ts'
export type { Older } from './core/older-intentions.ts'
export type { PresenceState } from './core/presence-state.ts'
export type { LeftOut } from './core/incoming.ts'
export type { MutationOutcome, PendingMutation, RefusedMutation } from './core/queue-state.ts'
export type { SpaceContent } from './core/space-content.ts'
export type { SpaceState, Subscription } from './core/space-state.ts'
export type { ErrorStatus, LiveStatus, Remedy, SyncStatus, UnsteadyStatus } from './core/sync-status.ts'
export { textOf } from './core/text.ts'
export type { TransportName } from './core/transport.ts'
export type { DevicePorts } from './runtime/device-ports.ts'
export {
  browserEnvironment,
  type DeviceEvent,
  type Environment,
  type PageEvent,
  type SharedPorts,
} from './runtime/environment.ts'
export {
  createSession,
  type Http,
  type HttpProblem,
  type HttpResult,
  type HttpTarget,
  type WayIn,
} from './runtime/http.ts'
export { acceptInvite } from './runtime/invites.ts'
export {
  forgetSession,
  type KeyValueStorage,
  loadSession,
  memoryStorage,
  safeStorage,
  saveSession,
  SESSION_KEY,
  type Session,
} from './runtime/storage.ts'
export type { OpenTabs, TabListeners, Tabs } from './runtime/tabs.ts'
export type { Vault, VaultDoor } from './runtime/vault.ts'
export type { ClientSocket, OpenSocket, SocketHandlers } from './runtime/websocket.ts'
export { type GuestOptions, guestSession } from './session/guest-session.ts'
export type { ErrorHook } from './sync/error-hook.ts'
export type { Keeping } from './sync/keeping.ts'
export type { ClientNews } from './sync/news-port.ts'
export type { ClientStatus } from './sync/status.ts'
export type { MutationArgs, MutationSpace } from './sync/mutation.ts'
export type { CancelResult } from './sync/mutation-queue.ts'
export { newId } from './sync/new-id.ts'
export type { SendResult } from './sync/send-result.ts'
export type { Signal } from './sync/signals.ts'
export type { WatchOptions } from './sync/space-sync.ts'
export { memoryStore, type SpaceStore } from './sync/store.ts'
