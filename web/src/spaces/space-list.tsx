/** The spaces to go to. The one that is open shows its name as it is now. */
import type { SpaceId } from '@rhizom/protocol'
import { useSpace } from '@rhizom/client/react'
import { Link } from 'wouter'
import { Name } from '../name.tsx'
import { HOME_PATH, pathToSpace } from '../route.ts'
import { useSpaces } from './use-spaces.ts'

/** `open` is the space whose page is shown. */
export function SpaceList({ open }: { open: SpaceId | undefined }) {
  const { spaces, isPending, isError, error, refetch, hasNextPage, fetchNextPage } = useSpaces()
  return (
    <nav className="space-list" aria-label="Spaces">
      <h2>Spaces</h2>
      {isPending && <p className="quiet small-text">Loading…</p>}
      {isError && (
        <p className="problem small-text" role="alert">
          {error.message}{' '}
          <button type="button" className="link" onClick={() => void refetch()}>
            Try again
          </button>
        </p>
      )}
      <ul>
        {spaces.map(({ id, name, visibility }) => (
          <li key={id}>
            <Link
              href={pathToSpace(id)}
              className="space-link"
              data-testid="space-link"
              aria-current={id === open ? 'page' : undefined}
            >
              <span className="hash" aria-hidden="true">
                {visibility === 'private' ? '◐' : '#'}
              </span>
              {id === open ? <CurrentName id={id} name={name} /> : <Name id={id} name={name} />}
            </Link>
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <button type="button" className="link" onClick={() => void fetchNextPage()}>
          Show more
        </button>
      )}
      <Link href={HOME_PATH} className="new-space">
        + New space
      </Link>
    </nav>
  )
}

function CurrentName({ id, name }: { id: SpaceId; name: string }) {
  const view = useSpace(id, { present: false })
  return <Name id={id} name={view.status === 'ready' ? view.space.name : name} />
}
