/** The way in: a name is enough. Whoever was here before is told why they are asked again. */
import { createSession, type Environment, type Session } from '@rhizom/client'
import type { EndedSession } from '@rhizom/client/react'
import { LIMITS } from '@rhizom/protocol'
import { type FormEvent, useState } from 'react'
import { hasDrafts } from '../chat/drafts.ts'
import { Logo } from '../logo.tsx'

interface Props {
  environment: Environment
  ended: EndedSession | undefined
  onSignedIn: (session: Session) => void
}

export function SignIn({ environment, ended, onSignedIn }: Props) {
  const [name, setName] = useState(ended?.name ?? '')
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)

  async function begin(): Promise<void> {
    setBusy(true)
    setProblem(undefined)
    const result = await createSession({ environment, apiUrl: window.location.origin }, { name: name.trim() })
    setBusy(false)
    if (result.ok) onSignedIn(result.value)
    else setProblem(result.problem.message)
  }

  function submit(event: FormEvent): void {
    event.preventDefault()
    if (name.trim() !== '' && !busy) void begin()
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
        {problem !== undefined && (
          <p className="problem" role="alert">
            {problem} Nothing is lost: try again in a moment.
          </p>
        )}
        <button className="primary wide" type="submit" data-testid="sign-in" disabled={busy || name.trim() === ''}>
          {busy ? 'One moment…' : 'Continue as a guest'}
        </button>
      </form>
    </main>
  )
}
