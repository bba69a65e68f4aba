/**
 * What was said. New messages keep the end in view for those who are at the end; for those who read further up
 * nothing moves, also when older messages come in above. Between the messages stand no alerts of the page: these are
 * above and below, so that no message passes for one.
 */
import type { BeingId, Role, SpaceId } from '@rhizom/protocol'
import { useIsLeftOut, useMarkRead, useSession, useSpaceIntentions } from '@rhizom/client/react'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { Message } from './message.tsx'

/** Closer to the end than this counts as being there. */
const NEAR_END_PX = 80
/** Messages of one person closer together than this share a heading. */
const SAME_BREATH_MS = 5 * 60_000

interface Props {
  id: SpaceId
  members: Readonly<Record<BeingId, Role>> | undefined
}

export function Conversation({ id, members }: Props) {
  const { being: self } = useSession()
  const isLeftOut = useIsLeftOut()
  const { intentions, hasMore, older, loadOlder } = useSpaceIntentions(id)
  const scroller = useRef<HTMLDivElement>(null)
  const sentinel = useRef<HTMLDivElement>(null)
  /** `heightPx` is that of the box when the rest was measured. */
  const scroll = useRef({ atEnd: true, fromEndPx: 0, heightPx: 0 })
  /** Something was said further down than one reads. */
  const [hasNews, setHasNews] = useState(false)
  const [isAtEnd, setIsAtEnd] = useState(true)
  useMarkRead(id, isAtEnd)

  const remember = useCallback((): void => {
    const box = scroller.current
    // A scroll that is told after the window changed, and before that is: whoever was at the end has not left it.
    if (box === null || box.clientHeight !== scroll.current.heightPx) return
    const { clientHeight: heightPx } = box
    const fromEndPx = box.scrollHeight - box.scrollTop
    scroll.current = { atEnd: fromEndPx - heightPx < NEAR_END_PX, fromEndPx, heightPx }
    setIsAtEnd(scroll.current.atEnd)
    if (scroll.current.atEnd) setHasNews(false)
  }, [])

  function goToEnd(): void {
    const box = scroller.current
    if (box !== null) box.scrollTop = box.scrollHeight
  }

  const oldestId = intentions[0]?.id
  const lastOldestId = useRef(oldestId)
  const newest = intentions.at(-1)
  const lastNewestId = useRef(newest?.id)
  useLayoutEffect(() => {
    if (lastNewestId.current === newest?.id) return
    lastNewestId.current = newest?.id
    // Whoever says something wants to see it stand there.
    if (newest?.owner === self.id && newest.pending !== undefined) scroll.current.atEnd = true
    else if (!scroll.current.atEnd) setHasNews(true)
  }, [newest, self.id])
  useLayoutEffect(() => {
    const box = scroller.current
    if (box === null) return
    if (scroll.current.atEnd) box.scrollTop = box.scrollHeight
    else if (lastOldestId.current !== oldestId) box.scrollTop = box.scrollHeight - scroll.current.fromEndPx
    lastOldestId.current = oldestId
    scroll.current.fromEndPx = box.scrollHeight - box.scrollTop
  })

  useEffect(() => {
    const box = scroller.current
    if (box === null) return undefined
    // A window that is made smaller moves the end out of view, and no scroll event says so.
    const observer = new ResizeObserver(() => {
      scroll.current.heightPx = box.clientHeight
      if (scroll.current.atEnd) box.scrollTop = box.scrollHeight
      else remember()
    })
    observer.observe(box)
    return () => observer.disconnect()
  }, [remember])

  useEffect(() => {
    const [box, mark] = [scroller.current, sentinel.current]
    if (!hasMore || box === null || mark === null || older.status !== 'idle') return undefined
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting === true) loadOlder()
      },
      { root: box, rootMargin: '200px 0px 0px' },
    )
    observer.observe(mark)
    return () => observer.disconnect()
  }, [older.status, loadOlder, hasMore])

  return (
    <>
      {older.status === 'failed' && (
        <div className="notice older-failed" role="alert">
          <p>
            <strong>Older messages did not come.</strong> {older.message}
          </p>
          <button type="button" className="small" onClick={loadOlder}>
            Try again
          </button>
        </div>
      )}
      {isLeftOut && (
        <div className="notice calm left-out" role="status" data-testid="left-out">
          <p>The server is newer than this page: some of what it sends cannot be shown here.</p>
          <button type="button" className="small" onClick={() => window.location.reload()}>
            Reload
          </button>
        </div>
      )}
      <div className="scroller" ref={scroller} onScroll={remember}>
        {hasMore && (
          <div className="older" ref={sentinel}>
            <button type="button" data-testid="load-older" onClick={loadOlder} disabled={older.status === 'loading'}>
              {older.status === 'loading' ? 'Loading older messages…' : 'Load older messages'}
            </button>
          </div>
        )}
        {!hasMore && intentions.length > 0 && <p className="beginning quiet small-text">This is where it began.</p>}
        {intentions.length === 0 && !isLeftOut && (
          <div className="empty" data-testid="empty">
            <p className="empty-mark" aria-hidden="true">
              ✦
            </p>
            <h2>Nothing was said here yet</h2>
            <p className="quiet">Say the first word below.</p>
          </div>
        )}
        <ol className="messages" role="log" aria-live="polite" aria-label="Messages">
          {intentions.map((intention, index) => {
            const before = intentions[index - 1]
            const continues =
              before !== undefined &&
              before.owner === intention.owner &&
              before.type === 'utterance' &&
              intention.type === 'utterance' &&
              intention.createdAt - before.createdAt < SAME_BREATH_MS
            return (
              <Message
                key={intention.id}
                intention={intention}
                isOwn={intention.owner === self.id}
                role={members?.[intention.owner]}
                continues={continues}
              />
            )
          })}
        </ol>
      </div>
      {hasNews && (
        <button type="button" className="small news-below" data-testid="news-below" onClick={goToEnd}>
          New messages ↓
        </button>
      )}
    </>
  )
}
