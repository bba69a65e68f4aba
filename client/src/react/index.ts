/** @rhizom/client/react: the hooks over the one store. */
export { RhizomProvider, useRhizom } from './provider.tsx'
export { type BeingView, useBeing } from './use-being.ts'
export { useMutate, usePendingMutations } from './use-mutate.ts'
export {
  type ConversationView,
  type IntentionView,
  type SpaceView,
  useSpace,
  useSpaceIntentions,
  useSpaceState,
} from './use-space.ts'
export { useSyncStatus } from './use-sync-status.ts'
