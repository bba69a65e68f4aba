/** What a bot is given to answer: the request, and what was said before it, as lines of a conversation. */
import type { Being, BeingId, Intention, Snapshot, Space } from '@rhizom/protocol'

export interface Line {
  intention: Intention
  by: BeingId
  name: string
  text: string
  /** Whether the bot said it. */
  isOwn: boolean
}

export interface Conversation {
  space: Space
  /** Oldest first, up to the request and with it. */
  lines: readonly Line[]
  /** What is to be answered or done. */
  request: Line
}

/** Undefined where the request is not among what the snapshot holds. */
export function conversationOf(snapshot: Snapshot, reply: Intention): Conversation | undefined {
  const names = new Map(snapshot.beings.map(({ id, name }: Being) => [id, name]))
  const lineOf = (intention: Intention): Line => ({
    intention,
    by: intention.owner,
    name: names.get(intention.owner) ?? intention.owner,
    text: textIn(intention),
    isOwn: intention.owner === reply.owner,
  })
  const asked = reply.replyTo ?? reply.id
  const place = snapshot.intentions.findIndex(({ id }) => id === asked)
  const request = snapshot.intentions[place]
  if (request === undefined) return undefined
  const before = snapshot.intentions.slice(0, place).filter(isSaid)
  return { space: snapshot.space, lines: [...before, request].map(lineOf), request: lineOf(request) }
}

const isSaid = ({ type, state }: Intention): boolean => type === 'utterance' && state === 'complete'

export const textIn = ({ content }: Pick<Intention, 'content'>): string =>
  content.filter((node) => typeof node === 'string').join('')

/** The newest lines whose text together stays within a number of characters; the request always, cut if it must be. */
export function withinBudget(lines: readonly Line[], characters: number): Line[] {
  const kept: Line[] = []
  let left = characters
  for (const line of lines.toReversed()) {
    const isRequest = kept.length === 0
    if (!isRequest && line.text.length > left) break
    kept.push(isRequest ? { ...line, text: line.text.slice(0, characters) } : line)
    left -= line.text.length
  }
  return kept.reverse()
}
