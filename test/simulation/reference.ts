/**
 * The reference: what a space holds at each version of each of its histories, told by plain maps and written without
 * a look at the code under test. A client's content is held against it as text (`pictureOf`), so that order, doubles,
 * holes and stale entities all show.
 *
 * Only what a change log can tell for certain is in the picture: those located in the space (a client also keeps the
 * authors who left), its conversation, its members, its name and who may see it.
 */
import type { Being, BeingId, Change, Intention, Role, SpaceId, Visibility } from '@rhizom/protocol'

export interface Told {
  readonly name: string
  readonly visibility: Visibility
  readonly isRemoved: boolean
  readonly beings: ReadonlyMap<BeingId, Being>
  readonly intentions: ReadonlyMap<string, Intention>
  readonly members: ReadonlyMap<BeingId, Role>
}

export const NOTHING_TOLD: Told = {
  name: '',
  visibility: 'public',
  isRemoved: false,
  beings: new Map(),
  intentions: new Map(),
  members: new Map(),
}

const having = <V>(map: ReadonlyMap<string, V>, key: string, value: V): Map<string, V> => new Map(map).set(key, value)

const lacking = <V>(map: ReadonlyMap<string, V>, key: string): Map<string, V> => {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

export function tell(told: Told, change: Change): Told {
  switch (change.kind) {
    case 'space.put':
      return { ...told, name: change.body.name, visibility: change.body.visibility, isRemoved: false }
    case 'space.remove':
      return { ...told, isRemoved: true }
    case 'being.put':
      return { ...told, beings: having(told.beings, change.body.id, change.body) }
    case 'being.remove':
      return { ...told, beings: lacking(told.beings, change.body.id) }
    case 'intention.put':
      return { ...told, intentions: having(told.intentions, change.body.id, change.body) }
    case 'intention.append': {
      const { id, text, until } = change.body
      const held = told.intentions.get(id)
      if (held === undefined) return told
      const nodes = [...held.content]
      const last = nodes.pop()
      if (typeof last === 'string') nodes.push(last + text)
      else if (last === undefined) nodes.push(text)
      else nodes.push(last, text)
      const claim = held.claim && until !== undefined ? { ...held.claim, until } : held.claim
      const kept = claim === undefined ? {} : { claim }
      const grown: Intention = { ...held, ...kept, content: nodes, rev: change.version, modifiedAt: change.at }
      return { ...told, intentions: having(told.intentions, id, grown) }
    }
    case 'intention.remove':
      return { ...told, intentions: lacking(told.intentions, change.body.id) }
    case 'member.put':
      return { ...told, members: having(told.members, change.body.being, change.body.role) }
    case 'member.remove':
      return { ...told, members: lacking(told.members, change.body.id) }
    default:
      return change satisfies never
  }
}

export const mayReadAt = (told: Told, being: BeingId): boolean =>
  !told.isRemoved && (told.visibility === 'public' || told.members.has(being))

/** What is in the picture, as a client or the reference has it. */
export interface Picture {
  name: string
  visibility: string
  beings: readonly Being[]
  beingCount: number
  intentions: readonly Intention[]
  members: readonly (readonly [BeingId, string])[]
}

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

const NONE: ReadonlySet<string> = new Set()

/**
 * One text for one content, however its parts were put together. Intentions stay in the order given; of those in
 * `wordless` it is left out what they say.
 */
export const pictureOf = (
  { name, visibility, beings, beingCount, intentions, members }: Picture,
  wordless = NONE,
): string =>
  [
    `${name} ${visibility} ${beingCount}`,
    ...[...beings].sort(byId).map(lineOf),
    ...intentions.map((intention) => lineOf(wordless.has(intention.id) ? withoutWords(intention) : intention)),
    ...members.map(([being, role]) => `${being} ${role}`).sort(),
  ].join('\n')

const withoutWords = ({ content: _content, former: _former, reason: _reason, ...rest }: Intention): object => rest

const lines = new WeakMap<object, string>()

/** An entity with its fields in one order. */
function lineOf(entity: object): string {
  const known = lines.get(entity)
  if (known !== undefined) return known
  const line = JSON.stringify(Object.fromEntries(Object.entries(entity).sort(([a], [b]) => (a < b ? -1 : 1))))
  lines.set(entity, line)
  return line
}

export const pictureTold = (told: Told, space: SpaceId, wordless = NONE): string => {
  const beings = [...told.beings.values()].filter(({ location }) => location === space)
  const picture = {
    name: told.name,
    visibility: told.visibility,
    beings,
    beingCount: beings.length,
    // A map keeps the place of what is put again, and so does a conversation.
    intentions: [...told.intentions.values()],
    members: [...told.members],
  }
  return pictureOf(picture, wordless)
}
