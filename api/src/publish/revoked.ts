/**
 * What gateways are told of removed beings: until when their tokens are to be refused. That is as long as the last
 * token of such a being can live, which was made before it was removed; gateways then forget about it.
 */
import type { Revoked } from '@rhizom/protocol'
import { encodeRevokedMessage } from '@rhizom/protocol'
import type { RemovedBeing } from '../db/read/removed-beings.ts'

/** By how much the clocks of api, Postgres and gateways may differ. */
const CLOCKS_APART_MS = 60_000
const MAX_BEINGS_PER_MESSAGE = 1000

export const revokedForMs = (tokenTtlSeconds: number): number => tokenTtlSeconds * 1000 + CLOCKS_APART_MS

export const revokedOf = (removed: readonly RemovedBeing[], forMs: number): Revoked =>
  Object.fromEntries(removed.map(({ id, at }) => [id, at + forMs]))

export function revokedMessages(removed: readonly RemovedBeing[], forMs: number): string[] {
  const messages: string[] = []
  for (let at = 0; at < removed.length; at += MAX_BEINGS_PER_MESSAGE)
    messages.push(encodeRevokedMessage(revokedOf(removed.slice(at, at + MAX_BEINGS_PER_MESSAGE), forMs)))
  return messages
}
