import type { SpaceId } from '@rhizom/protocol'
import { PageLink } from './page-link.tsx'
import { HOME_PATH, pathToSpace } from './route.ts'

/** `meant` is the space that the address was probably to lead to. */
export function NotFound({ meant }: { meant: SpaceId | undefined }) {
  return (
    <main className="empty" data-testid="not-found">
      <h1>There is nothing here</h1>
      <p className="quiet">
        {meant === undefined ? (
          'The address does not belong to any page.'
        ) : (
          <>
            The address does not belong to any page. Did you mean <PageLink href={pathToSpace(meant)}>{meant}</PageLink>
            ?
          </>
        )}
      </p>
      <PageLink className="button primary" href={HOME_PATH}>
        See all spaces
      </PageLink>
    </main>
  )
}
