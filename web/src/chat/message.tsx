/**
 * One message. Whatever it is, it stands under the name of who said it: an error that a bot or a guest tells of is
 * theirs and no alert of the page, and says so. Rendered again only when it, its author or its place in the row
 * changed.
 */
import type { IntentionView } from '@rhizom/client/react'
import type { BeingId, Role } from '@rhizom/protocol'
import { memo } from 'react'
import { Avatar } from '../avatar.tsx'
import { Boundary } from '../fault/boundary.tsx'
import { readable, shownName } from '../foreign-text.ts'
import { isoTime, timeIn } from '../moment.ts'
import { BeingIdText, Name, nameWithId } from '../name.tsx'
import { kindOf, Tags } from '../tags.tsx'
import { PendingNote } from './pending-note.tsx'
import { ReplyNote } from './reply-note.tsx'
import { textOf } from '@rhizom/client'

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

interface Props {
  intention: IntentionView
  isOwn: boolean
  /** Of its author in this space, as far as it is known. */
  role: Role | undefined
  /** Whether it goes on from the message before, by the same person. */
  continues: boolean
}

const isSame = (a: Props, b: Props): boolean =>
  a.isOwn === b.isOwn && a.role === b.role && a.continues === b.continues && a.intention === b.intention

export const Message = memo(
  (props: Props) => (
    // One that breaks, whatever somebody put into it, does not take the others away.
    <Boundary of={props.intention.rev} fallback={<NotShown by={props.intention.owner} />}>
      <Shown {...props} />
    </Boundary>
  ),
  isSame,
)

function Shown({ intention, isOwn, role, continues }: Props) {
  const { id, owner, author, type, state, content, pending } = intention
  const name = author?.name ?? owner
  return (
    <li
      className="message"
      data-testid="message"
      data-id={id}
      data-author={owner}
      data-own={isOwn}
      data-type={type}
      data-continues={continues}
      data-pending={pending !== undefined}
    >
      {!continues && !isOwn && <Avatar id={owner} name={name} />}
      <div className="message-body" {...(pending === undefined ? {} : { 'data-testid': 'sending' })}>
        {!continues && <Head {...{ intention, name, isOwn, role }} />}
        <div className="bubble">
          {type === 'error' && <ErrorMark />}
          <p dir="auto" data-testid="message-text">
            {readable(textOf(content))}
            {state === 'active' && <span className="caret" role="img" aria-label="being written" />}
          </p>
        </div>
        <StateNote intention={intention} />
        {pending !== undefined && <PendingNote pending={pending} />}
      </div>
    </li>
  )
}

/** What became of it, where that is not what it says. */
function StateNote({ intention: { id, location, state, replyTo, reason } }: Pick<Props, 'intention'>) {
  if (replyTo !== null && replyTo !== undefined) return <ReplyNote space={location} id={id} />
  if (state === 'failed') return <Note>{reason === undefined ? state : `${state}: ${readable(reason)}`}</Note>
  return state === 'cancelled' ? <Note>{state}</Note> : null
}

const Note = ({ children }: { children: string }) => (
  <span className="message-state quiet tiny-text" data-testid="message-state">
    {children}
  </span>
)

function Head({ intention, name, isOwn, role }: Omit<Props, 'continues'> & { name: string }) {
  const { owner, author, createdAt } = intention
  const named = { id: owner, name }
  return (
    <div className="message-head">
      <strong className="ellipsis" data-testid="message-author">
        {isOwn ? <span title={nameWithId(named)}>You</span> : <Name {...named} />}
      </strong>
      {!isOwn && shownName(named) !== owner && <BeingIdText id={owner} />}
      {!isOwn && <Tags of={[kindOf(author?.type), role === 'owner' ? role : undefined]} />}
      <time className="quiet tiny-text" dateTime={isoTime(createdAt)} title={timeIn(whole, createdAt)}>
        {timeIn(clock, createdAt)}
      </time>
    </div>
  )
}

/** Plain, and unlike what the page says of itself. */
function ErrorMark() {
  return (
    <p className="bubble-mark tiny-text" data-testid="error-mark">
      <svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">
        <path
          d="M8 2.2 14.2 13H1.8zM8 6.4v3.2M8 11.2v.1"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.4"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      error
    </p>
  )
}

/** With its author, so that what goes on from it is not taken for another's. */
function NotShown({ by }: { by: BeingId }) {
  return (
    <li className="message" data-continues="true" data-testid="message-not-shown">
      <p className="bubble not-shown quiet small-text">A message of {by} could not be shown.</p>
    </li>
  )
}
