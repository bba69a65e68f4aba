/**
 * Saying something: what is on its way, and what was turned down. An utterance counts as on its way until the stream
 * has brought it back, so that it stays in sight also where the server has it and the connection is away. What is
 * turned down after the page was left, or was not looked after until then, goes back into the draft.
 */
import { newId } from '@rhizom/client'
import type { SpaceId } from '@rhizom/protocol'
import { useMutate } from '@rhizom/client/react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { addToDraft } from './drafts.ts'

export interface Utterance {
  /** The id of the intention it becomes. */
  id: string
  text: string
  state:
    | { status: 'sending' }
    /** Done; `version` is the change that brings it. */
    | { status: 'sent'; version: number }
    | { status: 'refused'; reason: string }
}

export interface Utterances {
  all: readonly Utterance[]
  say: (text: string) => void
  drop: (utterance: Utterance) => void
}

export function useUtterances(space: SpaceId): Utterances {
  const mutate = useMutate()
  const [all, setAll] = useState<readonly Utterance[]>([])
  const onPage = useRef({ isShown: true, all })
  useEffect(() => {
    onPage.current.all = all
  }, [all])
  useEffect(() => {
    const page = onPage.current
    page.isShown = true
    return () => {
      page.isShown = false
      for (const { text, state } of page.all) if (state.status === 'refused') addToDraft(space, text)
    }
  }, [space])

  async function send(id: string, text: string): Promise<void> {
    setAll((before) => [...before, { id, text, state: { status: 'sending' } }])
    const outcome = await mutate('intention.create', space, {
      id,
      type: 'utterance',
      content: [text],
      state: 'complete',
    })
    const state: Utterance['state'] =
      outcome.status === 'applied'
        ? { status: 'sent', version: outcome.version ?? 0 }
        : { status: 'refused', reason: outcome.message }
    if (!onPage.current.isShown && state.status === 'refused') return addToDraft(space, text)
    return setAll((before) => before.map((utterance) => (utterance.id === id ? { ...utterance, state } : utterance)))
  }

  const drop = useCallback(
    (utterance: Utterance) => setAll((before) => before.filter(({ id }) => id !== utterance.id)),
    [],
  )

  return {
    all,
    say: (text) => void send(newId(), text),
    drop,
  }
}
