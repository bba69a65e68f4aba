/** How much is unread in a space, and whether one is mentioned there: beside its name in the list. */
import { LIMITS, type News } from '@rhizom/protocol'

/** As many as are counted may be more. */
const shown = (unread: number): string => (unread < LIMITS.maxUnread ? String(unread) : `${LIMITS.maxUnread - 1}+`)

export function UnreadMark({ news }: { news: News | undefined }) {
  if (news === undefined || news.unread === 0) return null
  const { unread, mentions } = news
  const mentioned = mentions === 0 ? '' : `, ${shown(mentions)} of them for you`
  return (
    <span
      className="unread"
      data-testid="unread"
      data-mentions={mentions}
      role="img"
      aria-label={`${shown(unread)} unread${mentioned}`}
    >
      {mentions > 0 && '@'}
      {shown(unread)}
    </span>
  )
}
