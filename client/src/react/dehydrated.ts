/**
 * What a server sends along with a page that it drew: the content of its spaces, each with its position, and the beings
 * and lists that were looked up. It was true when it was read; the page shows it as old until the gateway has answered.
 */
import { isJsonObject, parseText, type SpaceId } from '@rhizom/protocol'
import type { SpaceContent } from '../core/space-content.ts'
import { initialSpace, type SpaceState } from '../core/space-state.ts'

/** Another layout is of another release, which is not read: the page then loads everything itself. */
const LAYOUT = 2

/** A being or a list, as the cache has it. */
export interface ReadQuery {
  queryKey: readonly unknown[]
  data: unknown
  updatedAt: number
}

interface Dehydrated {
  layout: number
  spaces: Readonly<Record<SpaceId, SpaceContent>>
  queries: readonly ReadQuery[]
}

/** What of a state a server draws: the content, without what was pending, who is here, or how it is connected. */
export function servedState(id: SpaceId, state: SpaceState | undefined): SpaceState {
  if (state?.content === undefined) return initialSpace(id)
  const { pending: _ours, ...content } = state.content
  return { ...initialSpace(id), content }
}

/** As JSON that may stand inside of a `script` element, whatever people wrote. */
export function writeDehydrated({ spaces, queries }: Omit<Dehydrated, 'layout'>): string {
  const dehydrated: Dehydrated = { layout: LAYOUT, spaces, queries }
  return JSON.stringify(dehydrated).replaceAll('<', String.raw`\u003c`)
}

/** Nothing, where it is of another release or no such text. */
export function readDehydrated(text: string | undefined): Omit<Dehydrated, 'layout'> {
  const parsed = parseText(text ?? '')
  return parsed.ok && isDehydrated(parsed.value) ? parsed.value : { spaces: {}, queries: [] }
}

/** It comes from our own server with the page, and is trusted as the page is. */
const isDehydrated = (value: unknown): value is Dehydrated =>
  isJsonObject(value) && value['layout'] === LAYOUT && isJsonObject(value['spaces']) && Array.isArray(value['queries'])
