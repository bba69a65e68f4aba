/**
 * Where one writes. Enter sends, Shift+Enter breaks the line. What the server turned down comes back with the reason,
 * to be edited or dropped; nothing typed is ever lost to an error.
 */
import { type Foreseen, newId } from '@rhizom/client'
import { type SpaceAccess, useForesee, useSay, useTyping } from '@rhizom/client/react'
import type { SpaceId } from '@rhizom/protocol'
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { isOfComposition } from '../input-method.ts'
import { TypingLine } from '../presence/typing-line.tsx'
import { RefusedMessages } from './refused-messages.tsx'
import { useDraft } from './use-draft.ts'

const MAX_HEIGHT_PX = 180

interface Props {
  id: SpaceId
  access: SpaceAccess
}

export function Composer({ id, access }: Props) {
  const [text, setText] = useDraft(id)
  const { typing, notify, stop } = useTyping(id)
  const say = useSay(id, { keepRefused: true })
  const foresee = useForesee()
  const [refusal, setRefusal] = useState<string>()
  const input = useRef<HTMLTextAreaElement>(null)

  useLayoutEffect(() => {
    const box = input.current
    if (box === null) return
    box.style.height = 'auto'
    box.style.height = `${Math.min(box.scrollHeight, MAX_HEIGHT_PX)}px`
  })

  // Who leaves the space or the page is not typing in it any more.
  useEffect(() => {
    window.addEventListener('pagehide', stop)
    return () => {
      window.removeEventListener('pagehide', stop)
      stop()
    }
  }, [stop])

  function write(next: string): void {
    setText(next)
    setRefusal(undefined)
    if (next.trim() === '') stop()
    else if (access.canWrite) notify()
  }

  function submit(): void {
    const said = text.trim()
    if (said === '' || !access.canWrite) return
    const foreseen = foresee('intention.create', id, { id: newId(), type: 'utterance', content: [said] })
    if (foreseen !== undefined) return setRefusal(wordsOf(foreseen))
    setText('')
    // What becomes of it is shown from the client's own lists, whoever is there to see it.
    void say(said)
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || isOfComposition(event)) return
    event.preventDefault()
    submit()
  }

  return (
    <div className="composer-area">
      <RefusedMessages
        id={id}
        edit={(refused) => {
          setText(text === '' ? refused : `${refused}\n${text}`)
          input.current?.focus()
        }}
      />
      {!access.canWrite && (
        <p className="notice calm" role="status" data-testid="reads-only">
          You read along here: this space lets only its members write.
        </p>
      )}
      {access.canWrite && !access.isHere && access.role === undefined && (
        <div className="notice calm" role="status" data-testid="not-here">
          <p>
            {access.problem === undefined
              ? access.entering
                ? 'Entering the space…'
                : 'You read this space from outside.'
              : `You could not enter: ${access.problem}`}
          </p>
          <button
            type="button"
            className="small primary"
            data-testid="join"
            onClick={access.enter}
            disabled={access.entering}
          >
            Enter
          </button>
        </div>
      )}
      <TypingLine typing={typing} />
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <textarea
          ref={input}
          data-testid="message-input"
          aria-label="Message"
          dir="auto"
          placeholder={access.canWrite ? 'Write a message' : 'Only members write here'}
          rows={1}
          value={text}
          onChange={(event) => write(event.target.value)}
          onKeyDown={onKeyDown}
          enterKeyHint="send"
        />
        <button
          type="submit"
          className="primary send"
          data-testid="send"
          disabled={text.trim() === '' || !access.canWrite}
        >
          Send
        </button>
      </form>
      {refusal !== undefined && (
        <p className="problem small-text" role="alert" data-testid="cannot-send">
          {refusal}
        </p>
      )}
      <p className="quiet tiny-text hint">Enter sends · Shift + Enter begins a new line</p>
    </div>
  )
}

/** What can be known before it is sent stays where it was written. */
const wordsOf = ({ code, message }: Foreseen): string =>
  code === 'too-large' ? 'This is too long for one message: shorten it, or send it in parts.' : message
