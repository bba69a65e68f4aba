/**
 * Signing out. Whoever has something unsent is asked first, since it goes with them, and so is a guest, who cannot come
 * back.
 */
import { usePendingMutations, useRefusedMutations, useSelf } from '@rhizom/client/react'
import { useState } from 'react'
import { Name } from '../name.tsx'
import { useSignOut } from './sign-out.ts'

export function SignOutButton() {
  const { signOut, hasWayBack } = useSignOut()
  const { being } = useSelf()
  const unsent = usePendingMutations().length + useRefusedMutations().length
  const losesNothing = unsent === 0 && hasWayBack
  const [isAsking, setAsking] = useState(false)
  return (
    <>
      <button
        type="button"
        className="icon-button"
        data-testid="sign-out"
        aria-label="Sign out"
        title="Sign out"
        onClick={() => (losesNothing ? signOut() : setAsking(true))}
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
      {isAsking && !losesNothing && (
        <div
          className="notice sign-out-question"
          role="alertdialog"
          aria-label="Sign out"
          data-testid="sign-out-question"
        >
          {unsent > 0 && (
            <p>
              <strong>{unsent === 1 ? 'One thing is not sent yet.' : `${unsent} things are not sent yet.`}</strong> They
              are lost when you sign out.
            </p>
          )}
          {!hasWayBack && (
            <p>
              <strong>You are here as a guest.</strong> Once you have signed out nobody can be{' '}
              <Name id={being.id} name={being.name} /> again, and what only you may read is out of reach.
            </p>
          )}
          <div className="actions">
            <button type="button" className="small primary" autoFocus onClick={() => setAsking(false)}>
              Stay
            </button>
            <button type="button" className="small" data-testid="sign-out-anyway" onClick={signOut}>
              Sign out
            </button>
          </div>
        </div>
      )}
    </>
  )
}
