/** The spaces to go to. Those that are open are always among them, under the names they have now. */
import type { SpaceId } from '@rhizom/protocol'
import { useNews, useSpaces } from '@rhizom/client/react'
import { PageLink } from '../page-link.tsx'
import { Name } from '../name.tsx'
import { HOME_PATH, pathToSpace } from '../route.ts'
import { UnreadMark } from './unread-mark.tsx'

/** `open` is the space whose page is shown. */
export function SpaceList({ open }: { open: SpaceId | undefined }) {
  const { status, spaces, problem, hasMore, loadMore, retry } = useSpaces()
  const { spaces: news } = useNews()
  return (
    <nav className="space-list" aria-label="Spaces">
      <h2>Spaces</h2>
      {status === 'loading' && <p className="quiet small-text">Loading…</p>}
      {problem !== undefined && (
        <p className="problem small-text" role="alert">
          {problem}{' '}
          <button type="button" className="link" onClick={retry}>
            Try again
          </button>
        </p>
      )}
      <ul>
        {spaces.map(({ id, name, visibility }) => (
          <li key={id}>
            <PageLink
              href={pathToSpace(id)}
              className="space-link"
              data-testid="space-link"
              aria-current={id === open ? 'page' : undefined}
            >
              <span className="hash" aria-hidden="true">
                {visibility === 'private' ? '◐' : '#'}
              </span>
              <Name id={id} name={name} />
              <UnreadMark news={news.get(id)} />
            </PageLink>
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="link" onClick={loadMore}>
          Show more
        </button>
      )}
      <PageLink href={HOME_PATH} className="new-space">
        + New space
      </PageLink>
    </nav>
  )
}
