/** What the server turned down, with its reason, until one has edited, retried or dropped it. */
import { useRefusals } from '@rhizom/client/react'
import type { SpaceId } from '@rhizom/protocol'
import { readable } from '../foreign-text.ts'

interface Props {
  id: SpaceId
  /** Puts a text where it can be edited. */
  edit: (text: string) => void
}

export function RefusedMessages({ id, edit }: Props) {
  return useRefusals(id).map(({ id: refused, text, message, retry, drop }) => (
    <div key={refused} className="notice" role="alert" data-testid="refused">
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
                drop()
              }}
            >
              Edit
            </button>
            <button type="button" className="small" onClick={retry}>
              Retry
            </button>
          </>
        )}
        <button type="button" className="small" onClick={drop}>
          Drop
        </button>
      </div>
    </div>
  ))
}
