/**
 * The way in: a name, unless the server wants accounts, or an issuer that vouches for people. Whoever was here before
 * is told why they are asked again.
 */
import { createSession, type Environment, type Session, type WayIn } from '@rhizom/client'
import type { EndedSession } from '@rhizom/client/react'
import { LIMITS } from '@rhizom/protocol'
import { type FormEvent, lazy, Suspense, useState } from 'react'
import { hasDrafts } from '../chat/drafts.ts'
import { Logo } from '../logo.tsx'
import { noteWayIn } from './way-back.ts'

/** Loaded by those who are not signed in only. */
const SignInElsewhere = lazy(async () => ({ default: (await import('./sign-in-elsewhere.tsx')).SignInElsewhere }))

interface Props {
  environment: Environment
  ended: EndedSession | undefined
  onSignedIn: (session: Session) => void
}

export function SignIn({ environment, ended, onSignedIn }: Props) {
  const [name, setName] = useState(ended?.name ?? '')
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)
  /** A name is enough until the server says otherwise. */
  const [areGuestsIn, setGuestsIn] = useState(true)

  async function begin(way: WayIn): Promise<void> {
    setBusy(true)
    setProblem(undefined)
    const result = await createSession({ environment, apiUrl: window.location.origin }, way)
    setBusy(false)
    if (result.ok) {
      noteWayIn(environment.storage, way)
      onSignedIn(result.value)
    } else setProblem(`${result.problem.message} Nothing is lost: try again in a moment.`)
  }

  function submit(event: FormEvent): void {
    event.preventDefault()
    if (name.trim() !== '' && !busy) void begin({ name: name.trim() })
  }

  return (
    <main className="sign-in">
      <form className="card sign-in-card" onSubmit={submit}>
        <Logo size={48} />
        {ended === undefined ? (
          <>
            <h1>Welcome to rhizom</h1>
            <p className="quiet">Spaces that stay in step on every screen. Tell us your name and step in.</p>
          </>
        ) : (
          <>
            <h1>Your session has ended</h1>
            <p className="notice calm" role="alert" data-testid="session-ended">
              <span>
                {ended.reason} Sign in to go on.
                {hasDrafts() && ' What you were writing is kept.'}
              </span>
            </p>
          </>
        )}
        {areGuestsIn && (
          <label className="field">
            <span>Your name</span>
            <input
              data-testid="name-input"
              name="name"
              value={name}
              onChange={(event) => setName(event.target.value)}
              maxLength={LIMITS.maxNameLength}
              autoComplete="nickname"
              placeholder="Ada Lovelace"
              autoFocus
              required
            />
          </label>
        )}
        {problem !== undefined && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        {areGuestsIn && (
          <button className="primary wide" type="submit" data-testid="sign-in" disabled={busy || name.trim() === ''}>
            {busy ? 'One moment…' : 'Continue as a guest'}
          </button>
        )}
        <Suspense fallback={null}>
          <SignInElsewhere
            disabled={busy}
            onWay={(way) => void begin(way)}
            onProblem={setProblem}
            onGuests={setGuestsIn}
          />
        </Suspense>
      </form>
    </main>
  )
}
