/**
 * To whom a space became another one than it was: who came, went, or got another role in it. Who reads it further is
 * said where that is stored; that something was said in a space shows by its head.
 */
import type { LoggedChange } from '@rhizom/domain'
import { type BeingId, encodeNewsMessage, type SpaceId } from '@rhizom/protocol'

const MAX_BEINGS_PER_MESSAGE = 1000

export type NewsHints = ReadonlyMap<SpaceId, readonly BeingId[]>

export function newsHintsIn(changes: readonly LoggedChange[]): NewsHints {
  const concerned = new Map<SpaceId, Set<BeingId>>()
  for (const { space, change } of changes) {
    const being = beingOf(change)
    if (being === undefined) continue
    const beings = concerned.get(space)
    if (beings === undefined) concerned.set(space, new Set([being]))
    else beings.add(being)
  }
  return new Map([...concerned].map(([space, beings]) => [space, [...beings]]))
}

function beingOf({ kind, body }: LoggedChange['change']): BeingId | undefined {
  switch (kind) {
    case 'member.put':
      return body.being
    case 'being.put':
      return body.type === 'document' ? undefined : body.id
    case 'member.remove':
    case 'being.remove':
      return body.id
    default:
      return undefined
  }
}

export function newsMessages(hints: NewsHints): string[] {
  const messages: string[] = []
  let gathered: Record<SpaceId, BeingId[]> = {}
  let room = MAX_BEINGS_PER_MESSAGE
  for (const [space, beings] of hints)
    for (const being of beings) {
      ;(gathered[space] ??= []).push(being)
      room -= 1
      if (room > 0) continue
      messages.push(encodeNewsMessage(gathered))
      gathered = {}
      room = MAX_BEINGS_PER_MESSAGE
    }
  if (room < MAX_BEINGS_PER_MESSAGE) messages.push(encodeNewsMessage(gathered))
  return messages
}
