/** Who you are and where: your name, which you can change for everybody, and the space you are in. */
import { useForesee, useMutate, useSelf } from '@rhizom/client/react'
import { PageLink } from '../page-link.tsx'
import { Avatar } from '../avatar.tsx'
import { EditableName } from '../editable-name.tsx'
import { Name } from '../name.tsx'
import { pathToSpace } from '../route.ts'
import { SignOutButton } from './sign-out-button.tsx'

export function Identity() {
  const { being, current, problem, retry } = useSelf()
  const mutate = useMutate()
  const foresee = useForesee()
  const { id: self, name, location } = being
  return (
    <section className="identity" aria-label="You">
      <Avatar id={self} name={name} size={36} />
      <div className="identity-text">
        <EditableName
          name={name}
          label="your name"
          testId="own-name"
          canEdit
          foresee={(text) =>
            location === null ? undefined : foresee('being.update', location, { id: self, name: text })
          }
          rename={(text, id) => mutate('being.update', location, { id: self, name: text }, { id })}
        >
          <strong className="ellipsis" data-testid="own-name">
            <Name id={self} name={name} />
          </strong>
        </EditableName>
        <span className="quiet small-text ellipsis" data-testid="own-location">
          {!current ? (
            // What one was at sign-in says nothing of where one is now.
            ''
          ) : location === null ? (
            'not in a space'
          ) : (
            <>
              in <PageLink href={pathToSpace(location)}>{location}</PageLink>
            </>
          )}
        </span>
        {problem !== undefined && (
          <span className="problem small-text" role="alert">
            {problem}{' '}
            <button type="button" className="link" onClick={retry}>
              Try again
            </button>
          </span>
        )}
      </div>
      <SignOutButton />
    </section>
  )
}
