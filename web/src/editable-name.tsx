/** A name that can be changed where it stands. What was typed stays until the server has agreed or it is given up. */
import { type Foreseen, type MutationOutcome, newId } from '@rhizom/client'
import { useCancel } from '@rhizom/client/react'
import { LIMITS } from '@rhizom/protocol'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { isOfComposition } from './input-method.ts'

interface Props {
  name: string
  /** What the name is of, for those who cannot see it: "space", "your name". */
  label: string
  testId: string
  canEdit: boolean
  /** Asks for it under the id of a mutation, by which it can be taken back. */
  rename: (name: string, mutation: string) => Promise<MutationOutcome>
  /** Why that would be turned down, as far as it is known before. */
  foresee: (name: string) => Foreseen | undefined
  children: ReactNode
}

type Mode =
  | { mode: 'shown' }
  | { mode: 'editing'; text: string; problem: string | undefined }
  | { mode: 'saving'; text: string; mutation: string }

export function EditableName({ name, label, testId, canEdit, rename, foresee, children }: Props) {
  const [state, setState] = useState<Mode>({ mode: 'shown' })
  const input = useRef<HTMLInputElement>(null)
  const cancelMutation = useCancel()
  const editing = state.mode === 'editing'
  useEffect(() => {
    if (editing) input.current?.select()
  }, [editing])

  async function save(text: string): Promise<void> {
    const mutation = newId()
    setState({ mode: 'saving', text, mutation })
    const outcome = await rename(text, mutation)
    // Whoever has given it up, or begun anew, is not to be pulled back.
    setState((now) => {
      if (now.mode !== 'saving' || now.mutation !== mutation) return now
      return outcome.status === 'applied' ? { mode: 'shown' } : { mode: 'editing', text, problem: outcome.message }
    })
  }

  /** What is asked for already is taken back. */
  function giveUp(): void {
    if (state.mode === 'saving') cancelMutation(state.mutation)
    setState({ mode: 'shown' })
  }

  function submit(event: FormEvent): void {
    event.preventDefault()
    if (state.mode !== 'editing') return
    const text = state.text.trim()
    if (text === '' || text === name) return setState({ mode: 'shown' })
    const foreseen = foresee(text)
    if (foreseen === undefined) void save(text)
    else setState({ ...state, problem: foreseen.message })
  }

  if (state.mode === 'shown')
    return (
      <span className="editable">
        {children}
        {canEdit && (
          <button
            type="button"
            className="icon-button"
            data-testid={`${testId}-edit`}
            aria-label={`Change ${label}`}
            title={`Change ${label}`}
            onClick={() => setState({ mode: 'editing', text: name, problem: undefined })}
          >
            <PencilIcon />
          </button>
        )}
      </span>
    )
  return (
    <form className="editable editing" onSubmit={submit}>
      <input
        ref={input}
        data-testid={`${testId}-input`}
        aria-label={label}
        value={state.text}
        maxLength={LIMITS.maxNameLength}
        disabled={state.mode === 'saving'}
        onChange={(event) => setState({ mode: 'editing', text: event.target.value, problem: undefined })}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && !isOfComposition(event)) giveUp()
        }}
      />
      <button type="submit" className="primary small" data-testid={`${testId}-save`} disabled={state.mode === 'saving'}>
        {state.mode === 'saving' ? 'Saving…' : 'Save'}
      </button>
      <button type="button" className="small" data-testid={`${testId}-cancel`} onClick={giveUp}>
        Cancel
      </button>
      {state.mode === 'editing' && state.problem !== undefined && (
        <span className="problem" role="alert">
          {state.problem}
        </span>
      )}
    </form>
  )
}

function PencilIcon() {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path
        d="M11.2 2.3a1.6 1.6 0 0 1 2.3 2.3l-7.6 7.6-3 .8.8-3z"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.3"
        strokeLinejoin="round"
      />
    </svg>
  )
}
