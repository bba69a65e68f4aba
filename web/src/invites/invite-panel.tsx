/** For owners of a space: makes an invite and shows its link, once; and those that are open, to revoke them. */
import type { HttpResult } from '@rhizom/client'
import { useRhizom } from '@rhizom/client/react'
import type { Invite, InviteRole, ListInvitesAnswer, SpaceId } from '@rhizom/protocol'
import { type FormEvent, useCallback, useEffect, useRef, useState } from 'react'
import { INVITE_PATH } from '../route.ts'
import { deleteInvite, getInvites, postInvite } from './invite-calls.ts'

const DAY_MS = 86_400_000
const LIFETIMES = [
  { days: 1, said: 'a day' },
  { days: 7, said: 'a week' },
  { days: 30, said: 'a month' },
] as const
const USES = [1, 5, 25, 100] as const

const roleSaid: Record<InviteRole, string> = { member: 'Reads and writes', viewer: 'Only reads' }
const roleOf = (value: string): InviteRole => (value === 'viewer' ? 'viewer' : 'member')

export function InvitePanel({ space }: { space: SpaceId }) {
  const { http } = useRhizom()
  const [role, setRole] = useState<InviteRole>('member')
  const [uses, setUses] = useState<number>(1)
  const [days, setDays] = useState<number>(7)
  const [invites, setInvites] = useState<readonly Invite[]>([])
  const [link, setLink] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)

  /** What came of it, or nothing, and then the problem is shown. */
  const valueOf = useCallback(<T,>(result: HttpResult<T>): T | undefined => {
    setProblem(result.ok ? undefined : result.problem.message)
    return result.ok ? result.value : undefined
  }, [])
  const listed = useCallback(
    (result: HttpResult<ListInvitesAnswer>): void => {
      const value = valueOf(result)
      if (value !== undefined) setInvites(value.invites)
    },
    [valueOf],
  )
  useEffect(() => {
    let isCurrent = true
    void getInvites(http, space).then((result) => isCurrent && listed(result))
    return () => {
      isCurrent = false
    }
  }, [http, space, listed])

  async function make(): Promise<void> {
    setBusy(true)
    const made = valueOf(await postInvite(http, space, { role, uses, lifetimeMs: days * DAY_MS }))
    setBusy(false)
    if (made === undefined) return
    setLink(`${window.location.origin}${INVITE_PATH}#${made.secret}`)
    setInvites((others) => [made.invite, ...others])
  }
  async function revoke(id: string): Promise<void> {
    await deleteInvite(http, space, id)
    setLink(undefined)
    listed(await getInvites(http, space))
  }
  function submit(event: FormEvent): void {
    event.preventDefault()
    if (!busy) void make()
  }

  return (
    <form className="card invite-panel" onSubmit={submit} aria-label="Invite people">
      <div className="field-row">
        <label className="field">
          <span>Who comes in</span>
          <select value={role} onChange={(event) => setRole(roleOf(event.target.value))}>
            <option value="member">{roleSaid.member}</option>
            <option value="viewer">{roleSaid.viewer}</option>
          </select>
        </label>
        <label className="field">
          <span>How many</span>
          <select value={uses} onChange={(event) => setUses(Number(event.target.value))}>
            {USES.map((count) => (
              <option key={count} value={count}>
                {count}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>Good for</span>
          <select value={days} onChange={(event) => setDays(Number(event.target.value))}>
            {LIFETIMES.map((lifetime) => (
              <option key={lifetime.days} value={lifetime.days}>
                {lifetime.said}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" className="primary" data-testid="make-invite" disabled={busy}>
          {busy ? 'One moment…' : 'Make a link'}
        </button>
      </div>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {link !== undefined && <MadeLink key={link} link={link} />}
      <ul className="invite-list">
        {invites.map((invite) => (
          <li key={invite.id} data-testid="open-invite">
            <span className="quiet small-text">
              {roleSaid[invite.role]} · {invite.usesLeft} of {invite.uses} left · until{' '}
              {new Date(invite.expiresAt).toLocaleString()} · by {invite.by}
            </span>
            <button type="button" className="link" data-testid="revoke-invite" onClick={() => void revoke(invite.id)}>
              Revoke
            </button>
          </li>
        ))}
      </ul>
    </form>
  )
}

/** It is shown once: nobody knows it afterwards. */
function MadeLink({ link }: { link: string }) {
  const input = useRef<HTMLInputElement>(null)
  const [copied, setCopied] = useState(false)
  async function copy(): Promise<void> {
    input.current?.select()
    try {
      await navigator.clipboard.writeText(link)
      setCopied(true)
    } catch {
      // A page that may not write there has it selected: one key copies it.
      setCopied(false)
    }
  }
  return (
    <p className="field-row">
      <input ref={input} readOnly value={link} aria-label="The link" data-testid="invite-link" spellCheck={false} />
      <button type="button" onClick={() => void copy()}>
        {copied ? 'Copied' : 'Copy'}
      </button>
      <span className="quiet small-text" role="status">
        Whoever has this link may come in. It is shown this once.
      </span>
    </p>
  )
}
