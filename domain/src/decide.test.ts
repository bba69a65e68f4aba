import type { Being, Mutation, Role, Visibility } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { decide } from './decide.ts'
import type { Decision } from './decision.ts'
import { copyWorld, emptyWorld, readerOf, type World } from './world.ts'
import { applyOp } from './world-op.ts'

const epoch = '0193b2a0-0000-7000-8000-000000000001'
const mutationId = '0193b2a0-0000-7000-8000-000000000002'
const said = '0193b2a0-0000-7000-8000-000000000003'
const unsaid = '0193b2a0-0000-7000-8000-000000000004'

const being = (id: string, location: string | null, more: Partial<Being> = {}): Being => ({
  id,
  type: 'guest',
  name: id,
  owner: null,
  location,
  metadata: {},
  properties: {},
  content: [],
  rev: 0,
  createdAt: 1,
  modifiedAt: 1,
  lastSeenAt: null,
  ...more,
})

/** @room at version 7 with @said's intention in it, @there located there, @away nowhere, and @bot of @away there. */
function worldOf(visibility: Visibility, members: Record<string, Role> = { '@root': 'owner' }): World {
  const world = emptyWorld()
  world.spaces.set('@room', { id: '@room', name: 'Room', visibility, epoch, version: 7, createdAt: 1 })
  for (const one of [
    being('@room', null, { type: 'space' }),
    being('@root', null),
    being('@there', '@room'),
    being('@away', null),
    being('@said', null),
    being('@bot', '@room', { type: 'bot', owner: '@away' }),
    being('@doc', '@room', { type: 'document', owner: '@away' }),
  ])
    world.beings.set(one.id, one)
  world.intentions.set(said, {
    id: said,
    type: 'utterance',
    state: 'complete',
    owner: '@said',
    location: '@room',
    content: ['hi'],
    rev: 5,
    position: 5,
    createdAt: 1,
    modifiedAt: 1,
  })
  for (const [id, role] of Object.entries(members)) world.members.set('@room', id, role)
  return world
}

type Wanted = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id'> : never) : never
const decideFor = (world: World, actor: string, wanted: Wanted, maxContentBytes = 100): Decision =>
  decide(readerOf(world), { id: mutationId, ...wanted }, { actor, at: 2, epoch }, { maxContentBytes })

const verdict = (decision: Decision): string => (decision.accepted ? 'ok' : decision.error.code)
const kinds = (decision: Decision): string[] =>
  decision.accepted ? decision.ops.map(({ kind, log }) => `${kind} ${log ?? 'nowhere'}`) : []

const say: Wanted = {
  space: '@room',
  name: 'intention.create',
  args: { id: unsaid, type: 'utterance', content: ['x'] },
}
const make: Wanted = { space: '@room', name: 'being.create', args: { id: '@new', type: 'bot', name: 'New' } }
const rename: Wanted = { space: '@room', name: 'space.update', args: { name: 'New' } }
const remove: Wanted = { space: '@room', name: 'space.remove', args: {} }
const invite: Wanted = { space: '@room', name: 'member.put', args: { being: '@away', role: 'member' } }
const enter: Wanted = { space: '@room', name: 'being.move', args: { id: '@away' } }

test.each<[Visibility, string, Role | undefined, string, Wanted]>([
  ['public', '@there', undefined, 'ok', say],
  ['public', '@there', undefined, 'ok', make],
  ['public', '@there', 'viewer', 'forbidden', say],
  ['public', '@away', undefined, 'ok', say],
  ['public', '@away', undefined, 'ok', make],
  ['public', '@away', 'viewer', 'forbidden', say],
  ['public', '@away', 'member', 'ok', say],
  ['public', '@away', 'owner', 'ok', say],
  ['public', '@away', undefined, 'ok', enter],
  ['private', '@away', 'viewer', 'ok', enter],
  ['private', '@away', 'member', 'ok', say],
  ['private', '@away', 'owner', 'ok', say],
  ['private', '@away', 'viewer', 'forbidden', say],
  ['public', '@away', 'member', 'forbidden', rename],
  ['public', '@away', 'member', 'forbidden', remove],
  ['public', '@away', 'member', 'forbidden', invite],
  ['public', '@there', undefined, 'forbidden', rename],
  ['public', '@away', 'owner', 'ok', rename],
  ['public', '@away', 'owner', 'ok', remove],
  ['public', '@away', 'owner', 'ok', invite],
])('D1 in a %s space %s with the role %s: %s', (visibility, actor, role, expected, wanted) => {
  const world = worldOf(visibility, { '@root': 'owner', ...(role === undefined ? {} : { [actor]: role }) })
  expect(verdict(decideFor(world, actor, wanted))).toBe(expected)
})

const everything: Wanted[] = [
  say,
  make,
  rename,
  remove,
  invite,
  enter,
  { space: '@room', name: 'being.update', args: { id: '@bot', name: 'x' } },
  { space: '@room', name: 'being.remove', args: { id: '@bot' } },
  { space: '@room', name: 'intention.update', args: { id: said } },
  { space: '@room', name: 'intention.append', args: { id: said, text: 'x' } },
  { space: '@room', name: 'intention.remove', args: { id: said } },
  { space: '@room', name: 'member.remove', args: { being: '@root' } },
]

test.each(everything)('D2 to a stranger a private space is not there: $name', (wanted) => {
  const ofPrivate = decideFor(worldOf('private'), '@away', wanted)
  expect(verdict(ofPrivate)).toBe('not-found')
  expect(ofPrivate).toEqual(decideFor(emptyOf('@away'), '@away', wanted))
})

function emptyOf(actor: string): World {
  const world = emptyWorld()
  world.beings.set(actor, being(actor, null))
  return world
}

test.each<[string, string, string | null, string, string]>([
  ['itself', '@there', '@room', '@there', 'ok'],
  ['its owner', '@away', '@room', '@bot', 'ok'],
  ['an owner of its space', '@root', '@room', '@bot', 'forbidden'],
  ['an owner of its space, a document', '@root', '@room', '@doc', 'ok'],
  ['somebody else there, a document', '@there', '@room', '@doc', 'forbidden'],
  ['somebody else there', '@there', '@room', '@bot', 'forbidden'],
  ['itself, nowhere', '@away', null, '@away', 'ok'],
  ['an owner of a space, of somebody nowhere', '@root', null, '@away', 'forbidden'],
  ['itself, named in a space while nowhere', '@away', '@room', '@away', 'wrong-space'],
  ['itself, named nowhere while in a space', '@there', null, '@there', 'wrong-space'],
  ['nobody', '@root', '@room', '@nobody', 'not-found'],
  ['an owner, of the being that the space is', '@root', null, '@room', 'forbidden'],
])('D3 a being changed by %s', (_who, actor, space, id, expected) => {
  const world = worldOf('public')
  expect(verdict(decideFor(world, actor, { space, name: 'being.update', args: { id, name: 'x' } }))).toBe(expected)
  expect(verdict(decideFor(world, actor, { space, name: 'being.remove', args: { id } }))).toBe(expected)
})

test.each<[string, string | null, string, string[]]>([
  ['into a space from nowhere', '@room', '@away', ['being.put @room']],
  ['to where it is', '@room', '@there', []],
  ['to nowhere', null, '@there', ['being.leave @room', 'being.put nowhere']],
  ['from space to space', '@hall', '@there', ['being.leave @room', 'being.put @hall']],
])('D4 moving %s', (_where, space, id, expected) => {
  const world = worldOf('public')
  world.spaces.set('@hall', { id: '@hall', name: 'Hall', visibility: 'public', epoch, version: 3, createdAt: 1 })
  const decision = decideFor(world, id, { space, name: 'being.move', args: { id } })
  expect(verdict(decision)).toBe('ok')
  expect(kinds(decision)).toEqual(expected)
})

test.each(['@there', '@bot', '@doc'])(
  'D4 %s is moved by whom it belongs to, and not by an owner of the space',
  (id) => {
    const world = worldOf('public')
    const move: Wanted = { space: null, name: 'being.move', args: { id } }
    expect(verdict(decideFor(world, '@root', move))).toBe('forbidden')
    expect(verdict(decideFor(world, id === '@there' ? '@there' : '@away', move))).toBe('ok')
  },
)

test.each(['@room', '@there', '@gone'])('D5 %s is taken', (id) => {
  const world = worldOf('public')
  world.removedBeings.add('@gone')
  expect(verdict(decideFor(world, '@root', { space: id, name: 'space.create', args: { name: 'x' } }))).toBe('taken')
  expect(
    verdict(decideFor(world, '@root', { space: null, name: 'being.create', args: { id, type: 'bot', name: 'x' } })),
  ).toBe('taken')
})

test('D5 a new space has its creator as owner, is public unless said otherwise, and is a being too', () => {
  const world = emptyOf('@away')
  const decision = decideFor(world, '@away', { space: '@hall', name: 'space.create', args: { name: 'Hall' } })
  expect(kinds(decision)).toEqual(['space.put @hall', 'member.put @hall', 'being.put nowhere'])
  if (!decision.accepted) throw new Error('rejected')
  for (const op of decision.ops) applyOp(world, op, { actor: '@away', mutation: mutationId, at: 2 })
  expect(world.spaces.get('@hall')).toMatchObject({ visibility: 'public', version: 2, epoch })
  expect(world.beings.get('@hall')).toMatchObject({ type: 'space', owner: '@away', location: null, name: 'Hall' })
})

test('D5 renaming a space renames the being it is', () => {
  const world = worldOf('public')
  const decision = decideFor(world, '@root', rename)
  if (!decision.accepted) throw new Error('rejected')
  for (const op of decision.ops) applyOp(world, op, { actor: '@root', mutation: mutationId, at: 2 })
  expect([world.spaces.get('@room')?.name, world.beings.get('@room')?.name]).toEqual(['New', 'New'])
  expect(world.spaces.get('@room')?.version).toBe(8)
})

const demote = (id: string): Wanted => ({ space: '@room', name: 'member.put', args: { being: id, role: 'viewer' } })
const expel = (id: string): Wanted => ({ space: '@room', name: 'member.remove', args: { being: id } })

test('D6 the last owner can neither be removed nor demoted, but one of two can', () => {
  const alone = worldOf('public')
  expect(verdict(decideFor(alone, '@root', demote('@root')))).toBe('last-owner')
  expect(verdict(decideFor(alone, '@root', expel('@root')))).toBe('last-owner')
  const two = worldOf('public', { '@root': 'owner', '@away': 'owner' })
  expect(verdict(decideFor(two, '@root', demote('@root')))).toBe('ok')
  expect(verdict(decideFor(two, '@away', expel('@root')))).toBe('ok')
})

test('D6 a member must exist to be put and be a member to be removed', () => {
  const world = worldOf('public')
  expect(verdict(decideFor(world, '@root', demote('@nobody')))).toBe('not-found')
  expect(verdict(decideFor(world, '@root', demote('@room')))).toBe('not-found')
  expect(verdict(decideFor(world, '@root', expel('@away')))).toBe('not-found')
})

test.each<[string, Role | undefined, string]>([
  ['@said', undefined, 'ok'],
  ['@said', 'viewer', 'forbidden'],
  ['@root', 'owner', 'ok'],
  ['@there', undefined, 'forbidden'],
  ['@there', 'member', 'forbidden'],
])('D7 an intention changed by %s with the role %s: %s', (actor, role, expected) => {
  const world = worldOf('public', role === undefined ? {} : { [actor]: role })
  for (const wanted of everything.filter(({ name }) => /^intention\.(update|append|remove)$/.test(name)))
    expect(verdict(decideFor(world, actor, wanted))).toBe(expected)
})

test('D7 an id in use is taken, and one of another space is not found', () => {
  const world = worldOf('public')
  world.spaces.set('@hall', { id: '@hall', name: 'Hall', visibility: 'public', epoch, version: 3, createdAt: 1 })
  const again: Wanted = { space: '@room', name: 'intention.create', args: { id: said, type: 'utterance', content: [] } }
  expect(verdict(decideFor(world, '@there', again))).toBe('taken')
  const elsewhere: Wanted = { space: '@hall', name: 'intention.remove', args: { id: said } }
  expect(verdict(decideFor(world, '@said', elsewhere))).toBe('not-found')
})

test.each([
  ['a final text', ['hi'], 'ab', 8],
  ['a final text in quotes and umlauts', ['hi'], '"ä', 10],
  ['a node', [{ type: 'x' }], 'ab', 19],
  ['nothing', [], 'ab', 6],
])('D8 appending to %s is allowed up to the last byte', (_what, content, text, bytes) => {
  const world = worldOf('public')
  const placed = world.intentions.get(said)
  if (placed === undefined) throw new Error('no intention')
  world.intentions.set(said, { ...placed, content })
  const append: Wanted = { space: '@room', name: 'intention.append', args: { id: said, text } }
  expect(verdict(decideFor(world, '@said', append, bytes))).toBe('ok')
  expect(verdict(decideFor(world, '@said', append, bytes - 1))).toBe('too-large')
})

test('D9 removing a space leaves nothing of it and nobody in it', () => {
  const world = copyWorld(worldOf('public'))
  const decision = decideFor(world, '@root', remove)
  expect(kinds(decision)).toEqual(['space.remove @room'])
  if (!decision.accepted) throw new Error('rejected')
  const [made] = decision.ops.map((op) => applyOp(world, op, { actor: '@root', mutation: mutationId, at: 2 }))
  expect(made?.change).toMatchObject({ kind: 'space.remove', version: 8, body: { id: '@room' } })
  expect([...world.spaces.keys(), ...world.intentions.keys(), ...world.members.of('@room').keys()]).toEqual([])
  expect(world.beings.get('@there')?.location).toBeNull()
  expect(verdict(decideFor(world, '@root', say))).toBe('not-found')
})
