/** The first page: spaces to step into, and a way to open a new one. */
import { useSpaces } from '@rhizom/client/react'
import { PageLink } from '../page-link.tsx'
import { Name } from '../name.tsx'
import { usePageTitle } from '../page-title.ts'
import { pathToSpace } from '../route.ts'
import { CreateSpace } from './create-space.tsx'

export function Home() {
  const { status, spaces, problem, retry } = useSpaces()
  usePageTitle(undefined)
  return (
    <main className="home">
      <h1>Spaces</h1>
      <p className="quiet">
        Step into a space to talk with whoever is there. Everybody sees the same, at the same time.
      </p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}{' '}
          <button type="button" className="link" onClick={retry}>
            Try again
          </button>
        </p>
      )}
      {status === 'loading' && <p className="quiet">Loading…</p>}
      <ul className="space-cards">
        {spaces.map((space) => (
          <li key={space.id}>
            <PageLink href={pathToSpace(space.id)} className="card space-card">
              <strong className="ellipsis">
                <Name id={space.id} name={space.name} />
              </strong>
              <span className="quiet small-text">{space.id}</span>
              <span className="tag">{space.visibility}</span>
            </PageLink>
          </li>
        ))}
        {status === 'ready' && spaces.length === 0 && (
          <li className="quiet">There is no space yet. Open the first one below.</li>
        )}
      </ul>
      <CreateSpace />
    </main>
  )
}
