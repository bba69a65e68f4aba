/**
 * What gateways are told of removed beings and ended sessions: until when their tokens are to be refused. That is as
 * long as the last such token can live, which was made before; gateways then forget about it.
 */
import type { EndedSessions, Revoked, RevokedCursor } from '@rhizom/protocol'
import { encodeRevokedMessage } from '@rhizom/protocol'
import type { RemovedBeing, RemovedPage } from '../db/read/removed-beings.ts'
import type { RevokedSession } from '../db/write/sessions.ts'

/** By how much the clocks of api, Postgres and gateways may differ. */
const CLOCKS_APART_MS = 60_000
const MAX_PER_MESSAGE = 1000

export const revokedForMs = (tokenTtlSeconds: number): number => tokenTtlSeconds * 1000 + CLOCKS_APART_MS

type Over = RemovedBeing | RevokedSession

export const untilOf = (over: readonly Over[], forMs: number): Revoked & EndedSessions =>
  Object.fromEntries(over.map(({ id, at }) => [id, at + forMs]))

export const revokedMessages = (removed: readonly RemovedBeing[], forMs: number): string[] =>
  piecesOf(removed).map((some) => encodeRevokedMessage(untilOf(some, forMs)))

export const endedMessages = (ended: readonly RevokedSession[], forMs: number): string[] =>
  piecesOf(ended).map((some) => encodeRevokedMessage({}, untilOf(some, forMs)))

function piecesOf<T>(all: readonly T[]): T[][] {
  const pieces: T[][] = []
  for (let at = 0; at < all.length; at += MAX_PER_MESSAGE) pieces.push(all.slice(at, at + MAX_PER_MESSAGE))
  return pieces
}

export interface RevokedPage {
  removed: RemovedBeing[]
  ended: RevokedSession[]
  next: RevokedCursor
  isWhole: boolean
}

/**
 * One page of two that begin at the same place: up to where both are known. `ended` holds at most `limit`, and more may
 * follow if it holds as many.
 */
export function oneRevokedPage(page: RemovedPage, ended: readonly RevokedSession[], limit: number): RevokedPage {
  const { removed, next, isWhole } = page
  const last = ended.length < limit ? undefined : ended.at(-1)
  const ends = [isWhole ? undefined : removed.at(-1), last].flatMap((end) => end ?? [])
  const [end] = ends.toSorted((a, b) => a.at - b.at)
  if (end === undefined) return { removed, ended: [...ended], next, isWhole }
  const isBefore = ({ at }: Over): boolean => at <= end.at
  return {
    removed: removed.filter(isBefore),
    ended: ended.filter(isBefore),
    next: { since: end.at, after: end.id },
    isWhole: false,
  }
}
