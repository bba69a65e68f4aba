/**
 * What was typed and not sent, for each space. Kept by the tab, so that it outlives a reload, a look into another
 * space and a session that ran out; signing out forgets it, since the next person may be another.
 */
import { safeStorage } from '@rhizom/client'
import type { SpaceId } from '@rhizom/protocol'

const storage = safeStorage(() => window.sessionStorage)
const INDEX_KEY = 'rhizom.drafts'
const keyOf = (space: SpaceId): string => `rhizom.draft.${space}`

const spacesWithDrafts = (): SpaceId[] => (storage.get(INDEX_KEY) ?? '').split(' ').filter((space) => space !== '')

const keepIndex = (spaces: readonly SpaceId[]): void =>
  spaces.length === 0 ? storage.remove(INDEX_KEY) : storage.set(INDEX_KEY, spaces.join(' '))

export const readDraft = (space: SpaceId): string => storage.get(keyOf(space)) ?? ''

export function keepDraft(space: SpaceId, text: string): void {
  const others = spacesWithDrafts().filter((other) => other !== space)
  if (text === '') storage.remove(keyOf(space))
  else storage.set(keyOf(space), text)
  keepIndex(text === '' ? others : [...others, space])
}

/** Puts text that could not be sent before whatever is being typed. */
export function addToDraft(space: SpaceId, text: string): void {
  const draft = readDraft(space)
  keepDraft(space, draft === '' ? text : `${text}\n${draft}`)
}

export const hasDrafts = (): boolean => spacesWithDrafts().length > 0

export function forgetDrafts(): void {
  for (const space of spacesWithDrafts()) storage.remove(keyOf(space))
  keepIndex([])
}

/** Whether a reload keeps what was typed: where the browser refuses storage, drafts live as long as the page. */
export function draftsOutliveReload(): boolean {
  try {
    return window.sessionStorage.getItem(INDEX_KEY) !== null
  } catch {
    return false
  }
}
