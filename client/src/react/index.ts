/** @rhizom/client/react: the hooks over the one store. */
export { dehydrateStore, type LoadOptions, loadSpaces } from './dehydrate-store.ts'
export { type ProviderProps, RhizomProvider, type SessionProps } from './provider.tsx'
export { createQueryStore, type QueryStore, type QueryStoreOptions } from './query-store.ts'
export { type HookClient, useRhizom } from './rhizom-context.ts'
export type { IntentionView } from './space-parts.ts'
export { type BeingView, useBeing } from './use-being.ts'
export { useIsLeftOut } from './use-left-out.ts'
export {
  type AccessOptions,
  type MembersView,
  type MemberView,
  type SpaceAccess,
  useMembers,
  useSpaceAccess,
} from './use-members.ts'
export {
  useCancel,
  useForesee,
  useKeeping,
  useMutate,
  usePendingCount,
  usePendingMutations,
  usePendingOf,
  usePreventUnsaved,
  useRefusedMutations,
} from './use-mutate.ts'
export { useOwnPresence } from './use-own-presence.ts'
export {
  type AwayView,
  type HereView,
  type PresenceOptions,
  type SpacePresenceView,
  useSpacePresence,
} from './use-presence.ts'
export { useMarkRead, useNews, useUnread } from './use-news.ts'
export { type ReplyStatus, type ReplyView, useReplies, useReply } from './use-replies.ts'
export { type Refusal, type SayOptions, useRefusals, useSay } from './use-say.ts'
export { type SelfView, useSelf, useSession } from './use-self.ts'
export { useSessionEnd } from './use-session-end.ts'
export { type TypingView, useSignal, useTyping } from './use-signal.ts'
export {
  type ConversationView,
  type SpaceView,
  useIntention,
  useSpace,
  useSpaceIntentions,
  useSpacePosition,
} from './use-space.ts'
export { useSpaceSelector, useSpaceState } from './use-space-state.ts'
export { type SpaceStatusView, useSpaceStatus } from './use-space-status.ts'
export { type SpacesOptions, type SpacesView, useSpaces } from './use-spaces.ts'
export {
  SpaceClosedError,
  useSuspenseBeing,
  useSuspenseIntention,
  useSuspenseSpace,
  useSuspenseSpaceIntentions,
  useSuspenseSpacePresence,
  useSuspenseSpaceSelector,
} from './use-suspended.ts'
export { useSyncStatus } from './use-sync-status.ts'
export { useWriteStatus, type WriteStatus } from './use-write-status.ts'
export {
  createVisitorStore,
  type EndedSession,
  useVisitor,
  type Visitor,
  type VisitorStore,
} from './visitor.ts'
export {
  type TypeReaders,
  type TypedConversation,
  type TypedHere,
  type TypedHooks,
  typedHooks,
  type TypedIntention,
  type TypedPresence,
} from './typed-hooks.ts'
