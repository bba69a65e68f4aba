/** What the server turned down, with its reason, until one has edited, retried or dropped it. */
import type { RefusedMutation } from '@rhizom/client'
import { useMutate, useRefusedMutations, useRhizom } from '@rhizom/client/react'
import type { SpaceId } from '@rhizom/protocol'
import { readable } from '../foreign-text.ts'
import { say } from './say.ts'
import { textOf } from '@rhizom/client'

interface Props {
  id: SpaceId
  /** Puts a text where it can be edited. */
  edit: (text: string) => void
}

export function RefusedMessages({ id, edit }: Props) {
  const client = useRhizom()
  const mutate = useMutate()
  const refused = useRefusedMutations(id)
  const drop = ({ mutation }: RefusedMutation) => client.dropRefused(mutation.id)
  return refused.map((one) => {
    const { mutation, message } = one
    const text = mutation.name === 'intention.create' ? textOf(mutation.args.content) : undefined
    return (
      <div key={mutation.id} className="notice" role="alert" data-testid="refused">
        <p>
          <strong>{text === undefined ? 'Not done.' : 'Not sent.'}</strong> {message}
          {text !== undefined && <span className="quiet ellipsis quote">“{readable(text)}”</span>}
        </p>
        <div className="actions">
          {text !== undefined && (
            <>
              <button
                type="button"
                className="small"
                onClick={() => {
                  edit(text)
                  drop(one)
                }}
              >
                Edit
              </button>
              <button
                type="button"
                className="small"
                onClick={() => {
                  say(mutate, id, text)
                  drop(one)
                }}
              >
                Retry
              </button>
            </>
          )}
          <button type="button" className="small" onClick={() => drop(one)}>
            Drop
          </button>
        </div>
      </div>
    )
  })
}
