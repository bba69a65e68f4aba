/** The first page: spaces to step into, and a way to open a new one. */
import { Link } from 'wouter'
import { Name } from '../name.tsx'
import { pathToSpace } from '../route.ts'
import { CreateSpace } from './create-space.tsx'
import { useSpaces } from './use-spaces.ts'

export function Home() {
  const { spaces, isPending, isError, error, refetch } = useSpaces()
  return (
    <main className="home">
      <h1>Spaces</h1>
      <p className="quiet">
        Step into a space to talk with whoever is there. Everybody sees the same, at the same time.
      </p>
      {isError && (
        <p className="problem" role="alert">
          {error.message}{' '}
          <button type="button" className="link" onClick={() => void refetch()}>
            Try again
          </button>
        </p>
      )}
      {isPending && <p className="quiet">Loading…</p>}
      <ul className="space-cards">
        {spaces.map((space) => (
          <li key={space.id}>
            <Link href={pathToSpace(space.id)} className="card space-card">
              <strong className="ellipsis">
                <Name id={space.id} name={space.name} />
              </strong>
              <span className="quiet small-text">{space.id}</span>
              <span className="tag">{space.visibility}</span>
            </Link>
          </li>
        ))}
        {!isPending && !isError && spaces.length === 0 && (
          <li className="quiet">There is no space yet. Open the first one below.</li>
        )}
      </ul>
      <CreateSpace />
    </main>
  )
}
