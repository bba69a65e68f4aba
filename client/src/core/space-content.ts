/**
 * The confirmed content of one space and how a change alters it. Nothing here knows how a change arrived or whether
 * it may be applied: `space.ts` decides that. Everything untouched keeps its identity, so that React renders
 * only what changed.
 *
 * `rev` (the version that last touched an entity) makes applying safe where a page read over HTTP is already ahead of
 * the stream: what an entity already contains is not applied to it again.
 */
import {
  appendText,
  type Being,
  type BeingId,
  type Intention,
  type IntentionId,
  type IntentionsAnswer,
  type Member,
  type MutationId,
  type Position,
  type Role,
  type Snapshot,
  type Space,
  type SpaceId,
} from '@rhizom/protocol'

import type { OpaqueChange, IncomingChange } from './incoming.ts'

/** A space without its version, which changes with every change and is `position`. */
export type SpaceInfo = Omit<Space, 'epoch' | 'version'>

export interface SpaceContent {
  position: Position
  space: SpaceInfo
  /** Those located here (up to a cap) and the authors of `intentions`; one who left is kept with `location: null`. */
  beings: Readonly<Record<BeingId, Being>>
  /** How many are located here. An estimate in a space with more beings than a snapshot lists. */
  beingCount: number
  /** In the order they were made, which is that of the log: oldest first. */
  intentions: readonly Intention[]
  /** Whether older intentions exist than the first of `intentions`. */
  hasMore: boolean
  /** undefined where the server does not tell. */
  members: Readonly<Record<BeingId, Role>> | undefined
  /** Of a view (`pending.ts`): what of it was asked for and is not confirmed. Confirmed content has none. */
  pending?: Readonly<Record<string, readonly MutationId[]>>
}

const byId = <T extends { id: string }>(items: readonly T[]): Record<string, T> =>
  Object.fromEntries(items.map((item) => [item.id, item]))

const rolesOf = (members: readonly Member[]): Record<BeingId, Role> =>
  Object.fromEntries(members.map(({ being, role }) => [being, role]))

const infoOf = ({ epoch: _epoch, version: _version, ...info }: Space): SpaceInfo => info

/** The content a snapshot stands for. */
export function contentOf(snapshot: Snapshot): SpaceContent {
  return {
    position: { epoch: snapshot.epoch, version: snapshot.version },
    space: infoOf(snapshot.space),
    beings: byId(snapshot.beings),
    beingCount: snapshot.beingCount,
    intentions: snapshot.intentions,
    hasMore: snapshot.hasMore,
    members: snapshot.members && rolesOf(snapshot.members),
  }
}

/** The content after one change. The caller has made sure that it is the next one. */
export function applyChange(before: SpaceContent, change: IncomingChange): SpaceContent {
  const content = { ...before, position: { ...before.position, version: change.version } }
  switch (change.kind) {
    case 'space.put':
      return { ...content, space: infoOf(change.body) }
    case 'space.remove':
      return content
    case 'being.put':
      return putBeing(content, change.body)
    case 'being.remove':
      return removeBeing(content, change.body.id)
    case 'intention.put':
      return putIntention(content, change.body, change)
    case 'intention.append':
      return appendToIntention(content, change.body, change)
    case 'intention.remove':
      return { ...content, intentions: content.intentions.filter(({ id }) => id !== change.body.id) }
    case 'member.put':
      return { ...content, members: { ...content.members, [change.body.being]: change.body.role } }
    case 'member.remove':
      return { ...content, members: content.members && without(content.members, change.body.id) }
    case 'opaque':
      return letGo(content, change)
    default:
      return change satisfies never
  }
}

/** Of an entity that became what this client does not know: whether it is still here, and counts, nobody can say. */
function letGo(content: SpaceContent, { puts }: OpaqueChange): SpaceContent {
  switch (puts?.kind) {
    case 'intention.put':
      return { ...content, intentions: content.intentions.filter(({ id }) => id !== puts.id) }
    case 'being.put':
      return { ...content, beings: without(content.beings, puts.id) }
    case 'member.put':
      return { ...content, members: content.members && without(content.members, puts.id) }
    default:
      return content
  }
}

function without<T>(record: Readonly<Record<string, T>>, id: string): Readonly<Record<string, T>> {
  if (!(id in record)) return record
  const { [id]: _removed, ...rest } = record
  return rest
}

const isHere = (content: SpaceContent, being: Being | undefined): boolean => being?.location === content.space.id

function putBeing(content: SpaceContent, being: Being): SpaceContent {
  const arrived = isHere(content, being) && !isHere(content, content.beings[being.id])
  return {
    ...content,
    beings: { ...content.beings, [being.id]: being },
    beingCount: content.beingCount + (arrived ? 1 : 0),
  }
}

function removeBeing(content: SpaceContent, id: BeingId): SpaceContent {
  const held = content.beings[id]
  const left = held === undefined || isHere(content, held)
  const beingCount = Math.max(0, content.beingCount - (left ? 1 : 0))
  if (held === undefined) return { ...content, beingCount }
  // What somebody said stays when they leave, and it stays signed with their name.
  const isAuthor = content.intentions.some((intention) => intention.owner === id)
  const beings = isAuthor ? { ...content.beings, [id]: { ...held, location: null } } : without(content.beings, id)
  return { ...content, beings, beingCount }
}

function indexOfIntention(intentions: readonly Intention[], id: IntentionId): number {
  // From the end: what changes is nearly always among the newest.
  return intentions.findLastIndex((intention) => intention.id === id)
}

function putIntention(
  content: SpaceContent,
  intention: Intention,
  { version, at }: { version: number; at: number },
): SpaceContent {
  const { intentions, hasMore } = content
  const index = indexOfIntention(intentions, intention.id)
  const held = intentions[index]
  if (held !== undefined)
    return held.rev > version ? content : { ...content, intentions: intentions.with(index, intention) }
  // An old one, changed now, that no page has brought yet: its place is among those not loaded, not at the end.
  const isNotLoaded = hasMore && intention.createdAt < at
  return isNotLoaded ? content : { ...content, intentions: [...intentions, intention] }
}

function appendToIntention(
  content: SpaceContent,
  addition: { id: IntentionId; text: string; until?: number | undefined },
  { version, at }: { version: number; at: number },
): SpaceContent {
  const index = indexOfIntention(content.intentions, addition.id)
  const held = content.intentions[index]
  if (held === undefined || held.rev >= version) return content
  const { text, until } = addition
  const renewed = until && held.claim && { claim: { ...held.claim, until } }
  const grown = { ...held, ...renewed, content: appendText(held.content, text), rev: version, modifiedAt: at }
  return { ...content, intentions: content.intentions.with(index, grown) }
}

/** Ids that changes removed while a page was on its way: the page may still list them. */
export type RemovedMeanwhile = ReadonlySet<string>

/** The content with a page of older intentions and their authors. What the stream brought stands. */
export function withOlder(content: SpaceContent, page: IntentionsAnswer, removed: RemovedMeanwhile): SpaceContent {
  const held = new Set(content.intentions.map(({ id }) => id))
  const fresh = page.intentions.filter(({ id }) => !held.has(id) && !removed.has(id))
  const authors = page.beings
    .filter(({ id }) => content.beings[id] === undefined)
    .map((being) => (removed.has(being.id) ? { ...being, location: null } : being))
  return {
    ...content,
    beings: authors.length === 0 ? content.beings : { ...content.beings, ...byId(authors) },
    intentions: fresh.length === 0 ? content.intentions : [...fresh, ...content.intentions],
    hasMore: page.hasMore,
  }
}

/** What a change removes, if anything. */
export function removedBy(change: IncomingChange): string | undefined {
  if (change.kind === 'opaque') return change.puts?.kind === 'intention.put' ? change.puts.id : undefined
  return change.kind === 'being.remove' || change.kind === 'intention.remove' ? change.body.id : undefined
}

/** Who says something, or is gone, is not typing it any more. */
export function stoppedTypingBy(change: IncomingChange): BeingId[] {
  if (change.kind === 'intention.put') return [change.body.owner]
  return change.kind === 'being.remove' ? [change.body.id] : []
}

/** The beings located in the space, by name. */
export const beingsHere = (beings: Readonly<Record<BeingId, Being>>, space: SpaceId): Being[] =>
  Object.values(beings)
    .filter((being) => being.location === space)
    .sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1))
