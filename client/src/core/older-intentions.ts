/**
 * Loading older intentions of a space, a page at a time. The page that is on its way is named by the intention it
 * comes before; a snapshot that arrives meanwhile makes it meaningless, and what vanishes meanwhile is not revived.
 */
import type { IntentionId, IntentionsAnswer } from '@rhizom/protocol'
import { type SpaceContent, withOlder } from './space-content.ts'

/** The page of older intentions under way. `before` names it; `removed` is what vanished while it was. */
export type Older =
  | { status: 'idle' }
  | { status: 'loading'; before: IntentionId | undefined; removed: readonly string[] }
  | { status: 'failed'; message: string }

export type OlderEvent =
  | { type: 'olderRequested' }
  | { type: 'olderReceived'; before: IntentionId | undefined; page: IntentionsAnswer }
  | { type: 'olderFailed'; before: IntentionId | undefined; message: string }

export interface OlderPart {
  content: SpaceContent | undefined
  older: Older
}

export interface OlderStep extends OlderPart {
  effects: { type: 'fetchOlder'; before: IntentionId | undefined }[]
}

/** While a page is on its way, what changes remove is remembered: the page may still list it. */
export const noteRemoved = (older: Older, removed: readonly string[]): Older =>
  older.status === 'loading' && removed.length > 0 ? { ...older, removed: [...older.removed, ...removed] } : older

export function stepOlder({ content, older }: OlderPart, event: OlderEvent): OlderStep {
  const same = { content, older, effects: [] }
  switch (event.type) {
    case 'olderRequested': {
      if (content === undefined || !content.hasMore || older.status === 'loading') return same
      const before = content.intentions[0]?.id
      return { content, older: { status: 'loading', before, removed: [] }, effects: [{ type: 'fetchOlder', before }] }
    }
    case 'olderReceived': {
      if (content === undefined || older.status !== 'loading' || older.before !== event.before) return same
      const merged = withOlder(content, event.page, new Set(older.removed))
      return { content: merged, older: { status: 'idle' }, effects: [] }
    }
    case 'olderFailed':
      return older.status === 'loading' && older.before === event.before
        ? { content, older: { status: 'failed', message: event.message }, effects: [] }
        : same
    default:
      return event satisfies never
  }
}
