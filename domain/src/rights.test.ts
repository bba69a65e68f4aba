import type { Being, Mutation, Posting, Role, Visibility } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { applyBatch } from './apply-batch.ts'
import { blankRemovedWords } from './blank-words.ts'
import { decide } from './decide.ts'
import type { Decision } from './decision.ts'
import { type Right, RIGHTS, RIGHTS_OF, type Standing } from './rights.ts'
import { emptyWorld, readerOf, type World } from './world.ts'

const epoch = '0193b2a0-0000-7000-8000-000000000001'
const mutationId = '0193b2a0-0000-7000-8000-000000000002'
const own = '0193b2a0-0000-7000-8000-000000000003'
const unsaid = '0193b2a0-0000-7000-8000-000000000004'
const others = '0193b2a0-0000-7000-8000-000000000005'

const being = (id: string, location: string | null, more: Partial<Being> = {}): Being => ({
  ...{ id, type: 'guest', name: id, owner: null, location, metadata: {}, properties: {}, content: [] },
  ...{ rev: 0, createdAt: 1, modifiedAt: 1, lastSeenAt: null, ...more },
})

interface Setting {
  visibility: Visibility
  posting?: Posting
  /** Of @me. */
  role?: Role | undefined
}

/** @room of @root, with @guest and a bot and a document of hers in it, and something said by her and by @me. */
function worldOf({ visibility, posting, role }: Setting): World {
  const world = emptyWorld()
  const space = { id: '@room', name: 'Room', visibility, epoch, version: 7, createdAt: 1 }
  world.spaces.set('@room', posting === undefined ? space : { ...space, posting })
  for (const one of [
    being('@room', null, { type: 'space' }),
    ...['@root', '@me', '@you'].map((id) => being(id, null)),
    being('@guest', '@room'),
    being('@bot', '@room', { type: 'bot', owner: '@guest' }),
    being('@doc', '@room', { type: 'document', owner: '@guest' }),
  ])
    world.beings.set(one.id, one)
  for (const [id, owner] of [
    [own, '@me'],
    [others, '@guest'],
  ] as const) {
    const said = { id, owner, type: 'utterance', state: 'complete', location: '@room' } as const
    world.intentions.set(id, { ...said, content: ['hi'], rev: 5, position: 5, createdAt: 1, modifiedAt: 1 })
  }
  world.members.set('@room', '@root', 'owner')
  if (role !== undefined) world.members.set('@room', '@me', role)
  return world
}

type Wanted = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id'> : never) : never
const decideFor = (world: World, actor: string, wanted: Wanted): Decision =>
  decide(readerOf(world), { id: mutationId, ...wanted }, { actor, at: 2, epoch }, { maxContentBytes: 100 })
const verdict = (decision: Decision): string => (decision.accepted ? 'ok' : decision.error.code)
const kinds = (decision: Decision): string[] =>
  decision.accepted ? decision.ops.map(({ kind, log }) => `${kind} ${log ?? 'nowhere'}`) : []

const space = '@room'
const put = (id: string, role: Role): Wanted => ({ space, name: 'member.put', args: { being: id, role } })
const expel = (id: string): Wanted => ({ space, name: 'being.expel', args: { id } })

const settings: Record<Standing, Setting> = {
  owner: { visibility: 'private', role: 'owner' },
  member: { visibility: 'private', role: 'member' },
  viewer: { visibility: 'public', role: 'viewer' },
  banned: { visibility: 'public', role: 'banned' },
  visitor: { visibility: 'public', posting: 'everyone' },
  onlooker: { visibility: 'public', posting: 'members' },
  stranger: { visibility: 'private' },
}

/** What shows a right; reading shows in that the space is not `not-found`. */
const shows: Record<Right, Wanted[]> = {
  read: [{ space, name: 'space.update', args: {} }],
  enter: [{ space, name: 'being.move', args: { id: '@me' } }],
  write: [
    { space, name: 'intention.create', args: { id: unsaid, type: 'utterance', content: ['x'] } },
    { space, name: 'intention.update', args: { id: own, content: ['y'] } },
    { space, name: 'intention.remove', args: { id: own } },
    { space, name: 'being.create', args: { id: '@new', type: 'bot', name: 'New' } },
  ],
  moderate: [
    { space, name: 'intention.remove', args: { id: others } },
    { space, name: 'being.update', args: { id: '@doc', name: 'x' } },
    { space, name: 'being.remove', args: { id: '@doc' } },
    expel('@guest'),
    expel('@bot'),
  ],
  govern: [
    { space, name: 'space.update', args: { posting: 'members' } },
    { space, name: 'space.remove', args: {} },
    put('@you', 'member'),
    { space, name: 'member.remove', args: { being: '@other' } },
  ],
}

const names = Object.keys(RIGHTS) as Right[]
const standings = Object.keys(RIGHTS_OF) as Standing[]
const cells = standings.flatMap((standing) => names.map((right) => [standing, right] as const))

test.each(cells)('V40 what the table says of the right of %s to %s is what is decided', (standing, right) => {
  for (const wanted of shows[right]) {
    const world = worldOf(settings[standing])
    world.members.set('@room', '@other', 'member')
    const told = verdict(decideFor(world, '@me', wanted))
    if (right === 'read') expect(told !== 'not-found', wanted.name).toBe(RIGHTS_OF[standing].includes(right))
    else expect(told === 'ok', wanted.name).toBe(RIGHTS_OF[standing].includes(right))
  }
})

test('V40 being located somewhere gives no right', () => {
  for (const standing of standings)
    for (const right of names)
      for (const wanted of shows[right].filter(({ name }) => name !== 'being.move')) {
        const [away, located] = [worldOf(settings[standing]), worldOf(settings[standing])]
        located.beings.set('@me', being('@me', '@room'))
        expect(verdict(decideFor(located, '@me', wanted))).toBe(verdict(decideFor(away, '@me', wanted)))
      }
})

test('V41 everyone posts in a public space unless it says otherwise, and its owner says so', () => {
  const world = worldOf({ visibility: 'public' })
  const say: Wanted = { space, name: 'intention.create', args: { id: unsaid, type: 'utterance', content: ['x'] } }
  expect(verdict(decideFor(world, '@me', say))).toBe('ok')
  const mutation: Mutation = { id: mutationId, space, name: 'space.update', args: { posting: 'members' } }
  const { changes } = applyBatch(world, [{ actor: '@root', mutation, epoch }], 2, { maxContentBytes: 100 })
  expect(changes.map(({ change }) => change)).toMatchObject([{ kind: 'space.put', body: { posting: 'members' } }])
  expect(verdict(decideFor(world, '@me', say))).toBe('forbidden')
  expect(verdict(decideFor(world, '@root', say))).toBe('ok')
  world.members.set('@room', '@me', 'member')
  expect(verdict(decideFor(world, '@me', say))).toBe('ok')
})

test('V41 a new space is one where everyone posts, unless said otherwise', () => {
  const create = (args: { posting?: Posting }): Wanted => ({
    space: '@new',
    name: 'space.create',
    args: { name: 'New', ...args },
  })
  const postingOf = (decision: Decision) =>
    decision.accepted && decision.ops[0]?.kind === 'space.put' ? decision.ops[0].space.posting : undefined
  const world = worldOf({ visibility: 'public' })
  expect(postingOf(decideFor(world, '@me', create({})))).toBe('everyone')
  expect(postingOf(decideFor(world, '@me', create({ posting: 'members' })))).toBe('members')
})

test.each(['public', 'private'] as const)(
  'V42 whoever is banned from a %s space leaves it first, and it is not there',
  (visibility) => {
    const world = worldOf({ visibility })
    const mutation: Mutation = { id: mutationId, ...put('@guest', 'banned') }
    const { changes } = applyBatch(world, [{ actor: '@root', mutation, epoch }], 2, { maxContentBytes: 100 })
    expect(changes.map(({ change }) => `${change.kind} ${change.version}`)).toEqual(['being.remove 8', 'member.put 9'])
    expect(world.beings.get('@guest')?.location).toBeNull()
    const nothing = emptyWorld()
    nothing.beings.set('@guest', being('@guest', null))
    for (const wanted of Object.values(shows).flat())
      expect(decideFor(world, '@guest', wanted)).toEqual(decideFor(nothing, '@guest', wanted))
  },
)

test('V42 somebody who is elsewhere is banned without being moved, and let in again by another role or none', () => {
  const world = worldOf({ visibility: 'public', role: 'banned' })
  expect(kinds(decideFor(world, '@root', put('@you', 'banned')))).toEqual(['member.put @room'])
  expect(kinds(decideFor(world, '@root', put('@me', 'viewer')))).toEqual(['member.put @room'])
  expect(kinds(decideFor(world, '@root', { space, name: 'member.remove', args: { being: '@me' } }))).toEqual([
    'member.remove @room',
  ])
})

test.each(['@guest', '@bot'])(
  'V43 %s is changed and removed by whom it belongs to, and by no owner of a space',
  (id) => {
    const world = worldOf({ visibility: 'public', role: 'owner' })
    for (const wanted of [
      { space, name: 'being.update', args: { id, name: 'x' } },
      { space, name: 'being.remove', args: { id } },
      { space, name: 'being.move', args: { id } },
      { space: null, name: 'being.move', args: { id } },
    ] as const) {
      expect(verdict(decideFor(world, '@me', wanted)), wanted.name).toBe('forbidden')
      expect(verdict(decideFor(world, '@guest', wanted)), wanted.name).toBe('ok')
    }
  },
)

test('V43 who is expelled is nowhere, by a change in the space, and is told from who is not there', () => {
  const world = worldOf({ visibility: 'public', role: 'owner' })
  expect(kinds(decideFor(world, '@me', expel('@guest')))).toEqual(['being.leave @room', 'being.put nowhere'])
  expect(verdict(decideFor(world, '@me', expel('@you')))).toBe('wrong-space')
  expect(verdict(decideFor(world, '@me', expel('@nobody')))).toBe('not-found')
  expect(verdict(decideFor(world, '@guest', expel('@guest')))).toBe('forbidden')
})

test('V44 the only owner of a space is not removed before it was handed on, whoever asks', () => {
  const world = worldOf({ visibility: 'private' })
  world.members.set('@room', '@owned', 'owner')
  world.members.delete('@room', '@root')
  world.beings.set('@owned', being('@owned', null, { type: 'bot', owner: '@me' }))
  const remove: Wanted = { space: null, name: 'being.remove', args: { id: '@owned' } }
  const told = decideFor(world, '@owned', remove)
  expect(told).toMatchObject({ accepted: false, error: { code: 'last-owner' } })
  expect(JSON.stringify(told)).toContain('only owner of @room')
  const toOwner = decideFor(world, '@me', remove)
  expect(toOwner).toMatchObject({ accepted: false, error: { code: 'last-owner' } })
  expect(JSON.stringify(toOwner)).not.toContain('@room')
  world.members.set('@room', '@you', 'owner')
  expect(kinds(decideFor(world, '@owned', remove))).toEqual(['member.remove @room', 'being.remove nowhere'])
})

test('V44 every role of a being goes with it, each by a change of its space', () => {
  const world = worldOf({ visibility: 'public', role: 'banned' })
  world.spaces.set('@hall', { id: '@hall', name: 'Hall', visibility: 'private', epoch, version: 3, createdAt: 1 })
  world.members.set('@hall', '@me', 'viewer')
  world.members.set('@hall', '@root', 'owner')
  const decision = decideFor(world, '@me', { space: null, name: 'being.remove', args: { id: '@me' } })
  expect(kinds(decision)).toEqual(['member.remove @hall', 'member.remove @room', 'being.remove nowhere'])
})

test('V44 a document has no role', () => {
  expect(verdict(decideFor(worldOf({ visibility: 'public' }), '@root', put('@doc', 'owner')))).toBe('forbidden')
})

test.each([
  ['private', 'public', 'hide', 7],
  ['private', 'public', 'show', undefined],
  ['private', 'public', undefined, undefined],
  ['public', 'public', 'hide', undefined],
  ['private', 'private', 'hide', undefined],
] as const)('V48 from %s to %s with history %s', (visibility, to, history, historyFrom) => {
  const world = worldOf({ visibility })
  const args = { visibility: to, ...(history === undefined ? {} : { history }) }
  const another = '0193b2a0-0000-7000-8000-0000000000ff'
  const mutation: Mutation = { id: mutationId, space, name: 'space.update', args }
  const { changes } = applyBatch(world, [{ actor: '@root', mutation, epoch: another }], 2, { maxContentBytes: 100 })
  const begun = historyFrom === undefined ? epoch : another
  expect(changes).toMatchObject([{ epoch: begun, change: { version: 8, body: { epoch: begun, visibility: to } } }])
  expect(world.spaces.get('@room')?.historyFrom).toBe(historyFrom)
})

test('V47 what one change of a transaction removes is not told by those before it, and versions stay', () => {
  const world = worldOf({ visibility: 'public' })
  const say = (n: number, wanted: Wanted): Mutation => ({ id: `0193b2a0-0000-7000-8000-00000000001${n}`, ...wanted })
  const mutations = [
    say(1, {
      space,
      name: 'intention.create',
      args: { id: unsaid, type: 'utterance', state: 'draft', content: ['secret'] },
    }),
    say(2, { space, name: 'intention.claim', args: { id: unsaid, leaseMs: 1 } }),
    say(3, { space, name: 'intention.append', args: { id: unsaid, text: 'secret' } }),
    say(4, {
      space,
      name: 'intention.update',
      args: { id: unsaid, state: 'failed', reason: 'secret', fence: 9 },
    }),
    say(5, { space, name: 'intention.retry', args: { id: unsaid } }),
    say(6, { space, name: 'intention.update', args: { id: own, content: ['kept'] } }),
    say(7, { space, name: 'intention.remove', args: { id: unsaid } }),
    say(8, { space, name: 'intention.create', args: { id: unsaid, type: 'utterance', content: ['again'] } }),
  ]
  const requested = mutations.map((mutation) => ({ actor: '@me', mutation, epoch }))
  const { changes } = applyBatch(world, requested, 2, { maxContentBytes: 100 })
  const told = blankRemovedWords(changes).map(({ change }) => change)
  expect(told.map(({ version }) => version)).toEqual([8, 9, 10, 11, 12, 13, 14, 15])
  expect(changes[4]?.change).toMatchObject({ body: { former: ['secretsecret'] } })
  expect(JSON.stringify(told)).not.toContain('secret')
  expect(told).toMatchObject([
    { body: { id: unsaid, content: [] } },
    { body: { id: unsaid, content: [], state: 'active' } },
    { body: { id: unsaid, text: ' ' } },
    { body: { id: unsaid, content: [], state: 'failed' } },
    { body: { id: unsaid, content: [], state: 'draft' } },
    { body: { content: ['kept'] } },
    { kind: 'intention.remove' },
    { body: { content: ['again'] } },
  ])
})
