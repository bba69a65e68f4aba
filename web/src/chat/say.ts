/** Saying something: it stands in the conversation at once, and if it is refused among what was refused. */
import { newId, type RhizomClient } from '@rhizom/client'
import type { SpaceId } from '@rhizom/protocol'

export function say(mutate: RhizomClient['mutate'], space: SpaceId, text: string): void {
  const utterance = { id: newId(), type: 'utterance' as const, content: [text], state: 'complete' as const }
  // What becomes of it is shown from the client's own list, whoever is there to see it.
  void mutate('intention.create', space, utterance, { keepRefused: true })
}
