import type { IntentionView } from '@rhizom/client/react'
import { memo } from 'react'
import { Avatar } from '../avatar.tsx'
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

/** One message. Rendered again only when it, its author or its place in the row changed. */
export const Message = memo(function Message({ intention, isOwn, continues }: Props) {
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
            <time
              className="quiet tiny-text"
              dateTime={new Date(createdAt).toISOString()}
              title={whole.format(createdAt)}
            >
              {clock.format(createdAt)}
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
}, isSame)
