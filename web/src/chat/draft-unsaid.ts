/** What was said and never arrived goes back to where it was written, for when its session is over. */
import type { RhizomClient } from '@rhizom/client'
import { addToDraft } from './drafts.ts'
import { textOf } from '@rhizom/client'

export function draftUnsaid(client: Pick<RhizomClient, 'pendingMutations' | 'refusedMutations'>): void {
  const unsaid = [...client.refusedMutations(), ...client.pendingMutations()]
  // Each is put before what stands there.
  for (const { mutation } of unsaid.toReversed())
    if (mutation.name === 'intention.create') addToDraft(mutation.space, textOf(mutation.args.content))
}
