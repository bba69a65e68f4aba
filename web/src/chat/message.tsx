/** One message. Rendered again only when it, its author or its place in the row changed. */
import type { IntentionView } from '@rhizom/client/react'
import type { BeingId } from '@rhizom/protocol'
import { memo } from 'react'
import { Avatar } from '../avatar.tsx'
import { Boundary } from '../fault/boundary.tsx'
import { isoTime, timeIn } from '../moment.ts'
import { textOf } from './text.ts'

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

interface Props {
  intention: IntentionView
  isOwn: boolean
  /** Whether it goes on from the message before, by the same person. */
  continues: boolean
}

const isSame = (a: Props, b: Props): boolean =>
  a.isOwn === b.isOwn &&
  a.continues === b.continues &&
  a.intention.author === b.intention.author &&
  a.intention.rev === b.intention.rev

export const Message = memo(
  (props: Props) => (
    // One that breaks, whatever somebody put into it, does not take the others away.
    <Boundary of={props.intention.rev} fallback={<NotShown by={props.intention.owner} />}>
      <Shown {...props} />
    </Boundary>
  ),
  isSame,
)

function Shown({ intention, isOwn, continues }: Props) {
  const { id, owner, author, createdAt, type, state, content } = intention
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
    >
      {!continues && !isOwn && <Avatar id={owner} name={name} />}
      <div className="message-body">
        {!continues && (
          <div className="message-head">
            <strong className="ellipsis" dir="auto" title={name} data-testid="message-author">
              {isOwn ? 'You' : name}
            </strong>
            <time className="quiet tiny-text" dateTime={isoTime(createdAt)} title={timeIn(whole, createdAt)}>
              {timeIn(clock, createdAt)}
            </time>
          </div>
        )}
        <p className="bubble" dir="auto" data-testid="message-text">
          {textOf(content)}
          {state === 'active' && <span className="caret" role="img" aria-label="being written" />}
        </p>
        {(state === 'failed' || state === 'cancelled') && <span className="problem tiny-text">{state}</span>}
      </div>
    </li>
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
