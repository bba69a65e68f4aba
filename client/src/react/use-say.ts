/** Saying something in a space, and what became of what the server turned down. */
import type { Content, MutationId, SpaceId } from '@rhizom/protocol'
import { useCallback, useMemo } from 'react'
import type { MutationOutcome, RefusedMutation } from '../core/queue-state.ts'
import { textOf } from '../core/text.ts'
import { newId } from '../sync/new-id.ts'
import { type HookClient, useRhizom } from './rhizom-context.ts'
import { belongsTo } from './space-access.ts'
import { useRefusedMutations } from './use-mutate.ts'
import { useWatch } from './use-space-state.ts'

export interface SayOptions {
  /**
   * What is turned down stays among `useRefusals`, over reloads too, until a person has dealt with it; otherwise the
   * outcome says so, and that is all.
   */
  keepRefused?: boolean
}

/**
 * A function, the same at every render, that says a text, or content of typed nodes, in a space and resolves with what
 * became of it, never rejecting. Until then it stands in the conversation, marked as pending. Whoever is not in the
 * space and has no role there enters it first, so that others see who speaks.
 */
export function useSay(
  space: SpaceId,
  { keepRefused = false }: SayOptions = {},
): (said: string | Content) => Promise<MutationOutcome> {
  const client = useRhizom()
  useWatch(space, false)
  return useCallback((said) => say(client, space, contentOf(said), keepRefused), [client, space, keepRefused])
}

const contentOf = (said: string | Content): Content => (typeof said === 'string' ? [said] : said)

function say(client: HookClient, space: SpaceId, content: Content, keepRefused: boolean): Promise<MutationOutcome> {
  const self = client.session().being.id
  // One request carries both, in this order.
  if (!belongsTo(client.readSpace(space), self)) void client.mutate('being.move', space, { id: self })
  const utterance = { id: newId(), type: 'utterance', content, state: 'complete' } as const
  return client.mutate('intention.create', space, utterance, { keepRefused })
}

/** One thing that the server turned down. */
export interface Refusal {
  /** Of the mutation. */
  id: MutationId
  /** What was said; undefined for what is no utterance. */
  text: string | undefined
  code: string
  /** Why, for a person. */
  message: string
  /** Asks for it again, under a new id, and drops this one. */
  retry: () => void
  drop: () => void
}

/** What was turned down in a space and nobody has dealt with, oldest first. */
export function useRefusals(space: SpaceId): readonly Refusal[] {
  const client = useRhizom()
  const refused = useRefusedMutations(space)
  return useMemo(() => refused.map((one) => refusalOf(client, one)), [client, refused])
}

function refusalOf(client: HookClient, { mutation, code, message }: RefusedMutation): Refusal {
  const { id } = mutation
  const drop = (): void => client.dropRefused(id)
  function retry(): void {
    // What was refused made nothing, but the same id under another mutation may be another thing by now.
    if (mutation.name === 'intention.create')
      void client.mutate(mutation.name, mutation.space, { ...mutation.args, id: newId() }, { keepRefused: true })
    else void client.mutate(mutation.name, mutation.space, mutation.args, { keepRefused: true })
    drop()
  }
  const text = mutation.name === 'intention.create' ? textOf(mutation.args.content) : undefined
  return { id, text, code, message, retry, drop }
}
