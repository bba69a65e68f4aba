/**
 * Oneself among those who are here. A server lists some of a crowd, and of what one has just said it does not know yet;
 * but whoever is here through this client sees themselves. What the server says of oneself goes before what is known
 * here: it also knows of one's other screens.
 */
import type { BeingId, Here, JsonObject } from '@rhizom/protocol'
import type { PresenceState, Roster } from './presence-state.ts'

/** Oneself, and the state one has set last in the space; null where one is not here through this client. */
export type OwnWord = { being: BeingId; state: JsonObject } | null

const listedIn = (presence: PresenceState | null, being: BeingId): Here | undefined =>
  presence?.here.find((entry) => entry.being === being)

/** Here since when the server said last, or else since one came. */
export function takeOwnWord(
  before: Here | null,
  word: OwnWord,
  presence: PresenceState | null,
  dateMs: number,
): Here | null {
  if (word === null) return null
  if (before !== null && before.being === word.being && before.state === word.state) return before
  return { ...word, since: before?.since ?? listedIn(presence, word.being)?.since ?? dateMs }
}

/** Remembers since when one is here, for the time when the list no longer says so. */
export function learnSince(self: Here | null, presence: PresenceState | null): Here | null {
  const since = self === null ? undefined : listedIn(presence, self.being)?.since
  return self === null || since === undefined || since === self.since ? self : { ...self, since }
}

/** Oneself if one is here and the list does not say so. */
export const unlistedSelf = (presence: PresenceState | null, self: Here | null): Here | null =>
  presence === null || self === null || listedIn(presence, self.being) !== undefined ? null : self

/** The roster with whoever is `unlisted`: of a crowd the count has them already, of a whole list it has not. */
export const withUnlisted = ({ here, hereCount }: Roster, unlisted: Here | null): Roster =>
  unlisted === null
    ? { here, hereCount }
    : { here: [...here, unlisted], hereCount: Math.max(hereCount, here.length + 1) }
