/**
 * What a bot is told by gateways: hints that there is work, and what becomes of the intentions it carries out. Hints
 * only: whoever needs certainty asks the api, and every write is fenced. A connection carries a bounded number of
 * spaces, so a bot that watches more has several; the first one stays, and tells of work.
 */
import { type Intention, LIMITS, type Position, type ServerFrame, type SpaceId } from '@rhizom/protocol'
import { type HintSocket, openHintSocket } from './hint-socket.ts'
import type { BotLog } from './ports.ts'

export interface Seen {
  /** An intention as it is now. */
  put(intention: Intention): void
  removed(id: string): void
  /** Nothing of the space can be read any more. */
  lost(): void
}

export interface HintsDeps {
  syncUrl: string
  token(): string
  log: BotLog
  /** There may be work, for all that is known. */
  work(): void
}

export interface Hints {
  /** Follows the intentions of a space from a position; the result stops. */
  watch(space: SpaceId, position: Position, seen: Seen): () => void
  /** Whether what becomes of the intentions of a space is told at the moment. */
  isFollowing(space: SpaceId): boolean
  tokenRenewed(): void
  close(): void
}

export function openHints({ syncUrl, token, log, work }: HintsDeps): Hints {
  const watched = new Map<SpaceId, Set<Seen>>()
  const open = (asksForWork: boolean): HintSocket =>
    openHintSocket({ syncUrl, token, log, asksForWork, received: asksForWork ? told : toldOfSpaces })
  const first = open(true)
  let others: HintSocket[] = []

  function told(frame: ServerFrame): void {
    if (frame.type === 'work') work()
    else toldOfSpaces(frame)
  }

  function toldOfSpaces(frame: ServerFrame): void {
    switch (frame.type) {
      case 'snapshot':
        for (const intention of frame.intentions) tell(frame.space, (seen) => seen.put(intention))
        break
      case 'resumed':
      case 'changes':
        for (const change of frame.changes) {
          if (change.kind === 'intention.put') tell(frame.space, (seen) => seen.put(change.body))
          if (change.kind === 'intention.remove') tell(frame.space, (seen) => seen.removed(change.body.id))
        }
        break
      case 'unsubscribed':
        tell(frame.space, (seen) => seen.lost())
        break
      default:
        break
    }
  }

  function tell(space: SpaceId, say: (seen: Seen) => void): void {
    for (const seen of watched.get(space) ?? []) say(seen)
  }

  const all = (): HintSocket[] => [first, ...others]
  const watching = (space: SpaceId): HintSocket | undefined => all().find((one) => one.has(space))

  /** The one that watches the space already, else one with room, else another one. */
  function socketFor(space: SpaceId): HintSocket {
    const socket = watching(space) ?? all().find(({ size }) => size < LIMITS.maxSubscriptionsPerConnection)
    if (socket !== undefined) return socket
    const another = open(false)
    others.push(another)
    return another
  }

  function unwatch(space: SpaceId): void {
    const socket = watching(space)
    socket?.unwatch(space)
    if (socket === undefined || socket === first || socket.size > 0) return
    others = others.filter((one) => one !== socket)
    socket.close()
  }

  return {
    watch(space, position, seen) {
      const among = watched.get(space) ?? new Set<Seen>()
      among.add(seen)
      watched.set(space, among)
      socketFor(space).watch(space, position)
      return () => {
        among.delete(seen)
        if (among.size > 0 || watched.get(space) !== among) return
        watched.delete(space)
        unwatch(space)
      }
    },
    isFollowing: (space) => watching(space)?.isFollowing(space) === true,
    tokenRenewed() {
      for (const one of all()) one.tokenRenewed()
    },
    close() {
      for (const one of all()) one.close()
    },
  }
}
