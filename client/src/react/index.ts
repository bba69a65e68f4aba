/** @rhizom/client/react: the hooks over the one store. */
export { type HookClient, type ProviderProps, RhizomProvider, type SessionProps, useRhizom } from './provider.tsx'
export { createQueryStore, type QueryStore } from './query-store.ts'
export { type BeingView, useBeing } from './use-being.ts'
export { useIsLeftOut } from './use-left-out.ts'
export {
  useCancel,
  useKeeping,
  useMutate,
  usePendingMutations,
  usePreventUnsaved,
  useRefusedMutations,
} from './use-mutate.ts'
export {
  type AwayView,
  type HereView,
  type PresenceOptions,
  type SpacePresenceView,
  useSpacePresence,
} from './use-presence.ts'
export { useSay } from './use-say.ts'
export { type TypingView, useSignal, useTyping } from './use-signal.ts'
export {
  type ConversationView,
  type IntentionView,
  type SpaceView,
  useSpace,
  useSpaceIntentions,
} from './use-space.ts'
export { useSpaceState } from './use-space-state.ts'
export { useSyncStatus } from './use-sync-status.ts'
