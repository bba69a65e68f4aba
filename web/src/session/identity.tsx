/** Who you are and where: your name, which you can change for everybody, and the space you are in. */
import { useBeing, useMutate, useRhizom } from '@rhizom/client/react'
import { Link } from 'wouter'
import { Avatar } from '../avatar.tsx'
import { EditableName } from '../editable-name.tsx'
import { Name } from '../name.tsx'
import { pathToSpace } from '../route.ts'
import { useSignOut } from './sign-out.ts'

export function Identity() {
  const { being: self } = useRhizom().session()
  const mutate = useMutate()
  const signOut = useSignOut()
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
          rename={(text) => mutate('being.update', location, { id: self.id, name: text })}
        >
          <strong className="ellipsis" data-testid="own-name">
            <Name id={self.id} name={name} />
          </strong>
        </EditableName>
        <span className="quiet small-text ellipsis" data-testid="own-location">
          {location === null ? (
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
      <button
        type="button"
        className="icon-button"
        data-testid="sign-out"
        aria-label="Sign out"
        title="Sign out"
        onClick={signOut}
      >
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <path
            d="M6.5 2.5H3.5a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h3M10 5l3 3-3 3M13 8H6"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.3"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
      </button>
    </section>
  )
}
