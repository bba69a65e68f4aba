/** Who you are and where: your name, which you can change for everybody, and the space you are in. */
import { useBeing, useMutate, useRhizom } from '@rhizom/client/react'
import { Link } from 'wouter'
import { Avatar } from '../avatar.tsx'
import { EditableName } from '../editable-name.tsx'
import { Name } from '../name.tsx'
import { pathToSpace } from '../route.ts'
import { SignOutButton } from './sign-out-button.tsx'

export function Identity() {
  const { being: self } = useRhizom().session()
  const mutate = useMutate()
  const view = useBeing(self.id)
  const { name, location } = view.being ?? self
  return (
    <section className="identity" aria-label="You">
      <Avatar id={self.id} name={name} size={36} />
      <div className="identity-text">
        <EditableName
          name={name}
          label="your name"
          testId="own-name"
          canEdit
          rename={(text, id) => mutate('being.update', location, { id: self.id, name: text }, { id })}
        >
          <strong className="ellipsis" data-testid="own-name">
            <Name id={self.id} name={name} />
          </strong>
        </EditableName>
        <span className="quiet small-text ellipsis" data-testid="own-location">
          {view.being === undefined ? (
            // What one was at sign-in says nothing of where one is now.
            ''
          ) : location === null ? (
            'not in a space'
          ) : (
            <>
              in <Link href={pathToSpace(location)}>{location}</Link>
            </>
          )}
        </span>
        {view.status === 'failed' && (
          <span className="problem small-text" role="alert">
            {view.message}{' '}
            <button type="button" className="link" onClick={view.retry}>
              Try again
            </button>
          </span>
        )}
      </div>
      <SignOutButton />
    </section>
  )
}
