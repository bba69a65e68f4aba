/** What writers write: entries for a commit, decided by an operation's own chance and by what the space holds. */
import type { BeingId, Intention } from '@rhizom/protocol'
import { Chance } from './chance.ts'
import { someBeing } from './client-node.ts'
import type { WriteKind } from './plan.ts'
import { NOTHING_TOLD, type Told, tell } from './reference.ts'
import type { Entry, SpaceModel } from './space-model.ts'

export const OWNER: BeingId = '@ada'
const VISITORS: readonly BeingId[] = ['@bob', '@cyd', '@dee', '@eve']

export const putSpace = (space: SpaceModel, told: Told, fields: Partial<Pick<Told, 'name' | 'visibility'>>): Entry => {
  const { name, visibility } = { ...told, ...fields }
  return {
    kind: 'space.put',
    body: { id: space.id, name, visibility, epoch: space.current.epoch, version: 0, createdAt: 0 },
  }
}

/** A space from nothing: itself, its owner, and who else is a member from the start. */
export const beginning = (space: SpaceModel, visibility: Told['visibility'], members: readonly BeingId[]): Entry[] => [
  putSpace(space, { ...NOTHING_TOLD, name: 'Beginning' }, { visibility }),
  { kind: 'member.put', body: { being: OWNER, role: 'owner' } },
  { kind: 'being.put', body: someBeing(OWNER, space.id) },
  ...members.map((being): Entry => ({ kind: 'member.put', body: { being, role: 'member' } })),
]

/** The entries of one commit: each sees what those before it did. */
export function entriesOf(space: SpaceModel, what: readonly WriteKind[], salt: number, now: number): Entry[] {
  const chance = new Chance(salt, 'write')
  let told = space.now
  return what.map((kind, index) => {
    const entry = entryOf(kind, space, told, chance, now)
    // Only what is there matters for what comes next, so the rest of the header may be anything.
    told = tell(told, {
      version: space.current.version + index + 1,
      at: now,
      actor: OWNER,
      mutation: '',
      ...entry,
    })
    return entry
  })
}

function entryOf(kind: WriteKind, space: SpaceModel, told: Told, chance: Chance, now: number): Entry {
  const said = chance.pick([...told.intentions.values()])
  const visitor = chance.pick(VISITORS) ?? OWNER
  const text = `${kind}${chance.int(0, 999)} `
  switch (kind) {
    case 'append':
      return said === undefined
        ? say(space, text, chance, now)
        : { kind: 'intention.append', body: { id: said.id, text } }
    case 'edit':
      return said === undefined
        ? say(space, text, chance, now)
        : { kind: 'intention.put', body: { ...said, content: [text, { type: 'mark', text }] } }
    case 'unsay':
      return said === undefined ? say(space, text, chance, now) : { kind: 'intention.remove', body: { id: said.id } }
    case 'arrive':
      return { kind: 'being.put', body: someBeing(visitor, space.id) }
    case 'leave':
      return told.beings.has(visitor)
        ? { kind: 'being.remove', body: { id: visitor } }
        : { kind: 'being.put', body: someBeing(visitor, space.id) }
    case 'promote':
      return { kind: 'being.put', body: { ...someBeing(OWNER, space.id), name: text } }
    case 'rename':
      return putSpace(space, told, { name: text })
    case 'say':
      return say(space, text, chance, now)
    default:
      return kind satisfies never
  }
}

function say(space: SpaceModel, text: string, chance: Chance, now: number): Entry {
  const body: Intention = {
    id: chance.uuid(),
    type: 'utterance',
    state: 'complete',
    owner: OWNER,
    location: space.id,
    // Some are long, so that bounds in bytes are met.
    content: [text.repeat(chance.happens(0.2) ? 60 : 1)],
    rev: 0,
    createdAt: now,
    modifiedAt: now,
  }
  return { kind: 'intention.put', body }
}
