/** What is new in one's spaces, and marking what one has read. */
import type { News, SpaceId } from '@rhizom/protocol'
import { useEffect, useSyncExternalStore } from 'react'
import { type NewsView, NO_NEWS } from '../core/news-view.ts'
import { useRhizom } from './rhizom-context.ts'
import { useSpaceIntentions, useSpacePosition } from './use-space.ts'

const none = (): NewsView => NO_NEWS

/** What is unread in all one's spaces, as it changes on whatever device. No space need be watched for it. */
export function useNews(): NewsView {
  const client = useRhizom()
  return useSyncExternalStore(client.onNews, client.news, none)
}

/** The same of one space; undefined while nothing is known, and for a space that is none of one's own. */
export const useUnread = (space: SpaceId): News | undefined => useNews().spaces.get(space)

const isInSight = (): boolean => document.visibilityState === 'visible'
const outOfSight = (): boolean => false

function onSight(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener)
  return () => document.removeEventListener('visibilitychange', listener)
}

/**
 * Marks a watched space read up to its end while `isEndInView` and the page is visible: when it is opened, when
 * somebody says something, when one comes back to the page.
 */
export function useMarkRead(space: SpaceId, isEndInView: boolean): void {
  const client = useRhizom()
  const { intentions } = useSpaceIntentions(space)
  const version = useSpacePosition(space)?.version
  const isVisible = useSyncExternalStore(onSight, isInSight, outOfSight)
  // Not for each version: of what is no intention nothing is unread.
  const said = `${intentions.length} ${intentions.at(-1)?.id}`
  const reads = isEndInView && isVisible && version !== undefined ? said : undefined
  useEffect(() => {
    const position = client.readSpace(space).content?.position
    if (reads !== undefined && position !== undefined) client.markRead(space, position.version)
  }, [client, space, reads])
}
