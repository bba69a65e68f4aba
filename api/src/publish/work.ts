/** Who is told that there is something to claim: whose intention became a draft, be it new or handed back. */
import type { LoggedChange } from '@rhizom/domain'
import { type BeingId, encodeWorkMessage } from '@rhizom/protocol'

const MAX_BEINGS_PER_MESSAGE = 1000

export function workersIn(changes: readonly LoggedChange[]): BeingId[] {
  const workers = new Set<BeingId>()
  for (const { change } of changes)
    if (change.kind === 'intention.put' && change.body.state === 'draft') workers.add(change.body.owner)
  return [...workers]
}

export function workMessages(workers: readonly BeingId[]): string[] {
  const messages: string[] = []
  for (let at = 0; at < workers.length; at += MAX_BEINGS_PER_MESSAGE)
    messages.push(encodeWorkMessage(workers.slice(at, at + MAX_BEINGS_PER_MESSAGE)))
  return messages
}
