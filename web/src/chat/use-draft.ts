import type { SpaceId } from '@rhizom/protocol'
import { useCallback, useState } from 'react'
import { keepDraft, readDraft } from './drafts.ts'

/** What is being typed in a space; it outlives the page. */
export function useDraft(space: SpaceId): [string, (text: string) => void] {
  const [text, setText] = useState(() => readDraft(space))
  const change = useCallback(
    (next: string) => {
      keepDraft(space, next)
      setText(next)
    },
    [space],
  )
  return [text, change]
}
