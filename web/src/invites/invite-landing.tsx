/**
 * Where the link of an invite leads: one is asked, and then in the space. The secret stands behind # in the address,
 * which no server is sent; once it is accepted the address is that of the space, and the history holds nothing of it.
 */
import { acceptInvite } from '@rhizom/client'
import { useRhizom, useSession } from '@rhizom/client/react'
import { useState } from 'react'
import { PageLink } from '../page-link.tsx'
import { goTo } from '../location.ts'
import { usePageTitle } from '../page-title.ts'
import { HOME_PATH, pathToSpace } from '../route.ts'

export function InviteLanding() {
  const { http } = useRhizom()
  const { being } = useSession()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  usePageTitle('Invite')

  async function accept(): Promise<void> {
    setBusy(true)
    setProblem(undefined)
    const result = await acceptInvite(http, window.location.hash.slice(1))
    setBusy(false)
    if (result.ok) goTo(pathToSpace(result.value.space), { replace: true })
    else if (result.problem.retry === 'never') setProblem('This invite is none, or is none any more.')
    else setProblem(`${result.problem.message} Try again in a moment.`)
  }

  return (
    <main className="empty" data-testid="invite-landing">
      <h1>You are invited to a space</h1>
      <p className="quiet">You come in as {being.name}. Everybody in the space sees that you did.</p>
      {problem !== undefined && (
        <p className="problem" role="alert" data-testid="invite-problem">
          {problem}
        </p>
      )}
      <div className="actions">
        <button
          type="button"
          className="primary"
          data-testid="accept-invite"
          disabled={busy}
          onClick={() => void accept()}
        >
          {busy ? 'One moment…' : 'Come in'}
        </button>
        <PageLink className="button" href={HOME_PATH}>
          See all spaces
        </PageLink>
      </div>
    </main>
  )
}
