/**
 * What the actor may not see is as if it were not there: any mutation is answered the same in a world with it and in
 * one without, whatever else there is. Ids are the exception that the contract names: one that is in use is `taken`.
 */
import type { Being, Mutation, Role, Space } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyBatch } from './apply-batch.ts'
import { decide } from './decide.ts'
import { copyWorld, emptyWorld, readerOf, type World } from './world.ts'

const uuidOf = (n: number): string => `0193b2a0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
const epoch = uuidOf(1)
const being = (id: string, type: Being['type'], location: string | null, owner: string | null): Being => ({
  ...{ id, type, name: id, owner, location, metadata: {}, properties: {}, content: [] },
  ...{ rev: 0, createdAt: 1, modifiedAt: 1, lastSeenAt: null },
})

/** @hidden is a space that @eve may not read, with somebody, a bot, a document and words in it. */
const hidden = fc.record({
  ban: fc.boolean(),
  locations: fc.array(fc.constantFrom<string | null>('@hidden', '@open', null), { minLength: 3, maxLength: 3 }),
  roles: fc.array(fc.constantFrom<Role>('owner', 'member', 'viewer', 'banned'), { minLength: 2, maxLength: 2 }),
  openRole: fc.option(fc.constantFrom<Role>('owner', 'member', 'viewer'), { nil: undefined }),
})
type Drawn = typeof hidden extends fc.Arbitrary<infer T> ? T : never

function withHidden({ ban, locations, roles, openRole }: Drawn): World {
  const world = emptyWorld()
  const space = (id: string, visibility: Space['visibility']): Space => ({
    ...{ id, name: id, visibility, posting: 'everyone', epoch, version: 7, createdAt: 1 },
  })
  world.spaces.set('@hidden', space('@hidden', ban ? 'public' : 'private'))
  world.spaces.set('@open', space('@open', 'public'))
  const [ada = null, bot = null, doc = null] = locations
  for (const one of [
    being('@hidden', 'space', null, '@ada'),
    being('@open', 'space', null, '@bob'),
    being('@eve', 'guest', null, null),
    being('@bob', 'guest', null, null),
    being('@ada', 'guest', ada, null),
    being('@bot', 'bot', bot, '@ada'),
    being('@doc', 'document', doc === null ? '@hidden' : doc, '@ada'),
  ])
    world.beings.set(one.id, one)
  world.members.set('@hidden', '@ada', 'owner')
  world.members.set('@open', '@bob', 'owner')
  if (roles[0] !== undefined) world.members.set('@hidden', '@bot', roles[0])
  if (ban) world.members.set('@hidden', '@eve', 'banned')
  if (openRole !== undefined) world.members.set('@open', '@eve', openRole)
  const said = { type: 'utterance', state: 'complete', rev: 5, createdAt: 1, modifiedAt: 1 } as const
  world.intentions.set(uuidOf(9), {
    ...said,
    content: ['x'],
    id: uuidOf(9),
    owner: '@ada',
    location: '@hidden',
    position: 5,
  })
  return world
}

function withoutHidden(given: World): World {
  const world = copyWorld(given)
  world.spaces.delete('@hidden')
  world.beings.delete('@hidden')
  world.members.deleteAll('@hidden')
  world.intentions.delete(uuidOf(9))
  for (const one of world.beings.values()) {
    if (one.location !== '@hidden') continue
    if (one.type === 'document') world.beings.delete(one.id)
    else world.beings.set(one.id, { ...one, location: null })
  }
  return world
}

const id = fc.constantFrom('@hidden', '@open', '@ada', '@bot', '@doc', '@bob', '@nobody')
const place = fc.constantFrom('@hidden', '@open', '@nowhere')
const anywhere = fc.option(place)
const name = fc.constant('x')
const role = fc.constantFrom<Role>('owner', 'member', 'viewer', 'banned')
const intention = fc.constant(uuidOf(9))
const fence = fc.constantFrom(0, 5)

type Wanted = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id'> : never) : never
/** Each name but those that make an id. */
const wanted: Record<
  Exclude<Mutation['name'], 'space.create' | 'being.create' | 'intention.create'>,
  fc.Arbitrary<Wanted>
> = {
  'space.update': fc.record({ space: place, name: fc.constant('space.update' as const), args: fc.record({ name }) }),
  'space.remove': fc.record({ space: place, name: fc.constant('space.remove' as const), args: fc.constant({}) }),
  'being.update': fc.record({
    space: anywhere,
    name: fc.constant('being.update' as const),
    args: fc.record({ id, name }),
  }),
  'being.move': fc.record({ space: anywhere, name: fc.constant('being.move' as const), args: fc.record({ id }) }),
  'being.expel': fc.record({ space: place, name: fc.constant('being.expel' as const), args: fc.record({ id }) }),
  'being.remove': fc.record({ space: anywhere, name: fc.constant('being.remove' as const), args: fc.record({ id }) }),
  'intention.update': fc.record({
    space: place,
    name: fc.constant('intention.update' as const),
    args: fc.record({ id: intention }),
  }),
  'intention.append': fc.record({
    space: place,
    name: fc.constant('intention.append' as const),
    args: fc.record({ id: intention, text: name }),
  }),
  'intention.claim': fc.record({
    space: place,
    name: fc.constant('intention.claim' as const),
    args: fc.record({ id: intention, leaseMs: fc.constant(100), fence }, { requiredKeys: ['id', 'leaseMs'] }),
  }),
  'intention.retry': fc.record({
    space: place,
    name: fc.constant('intention.retry' as const),
    args: fc.record({ id: intention }),
  }),
  'intention.remove': fc.record({
    space: place,
    name: fc.constant('intention.remove' as const),
    args: fc.record({ id: intention }),
  }),
  'member.put': fc.record({
    space: place,
    name: fc.constant('member.put' as const),
    args: fc.record({ being: id, role }),
  }),
  'member.remove': fc.record({
    space: place,
    name: fc.constant('member.remove' as const),
    args: fc.record({ being: id }),
  }),
}

test.each(Object.entries(wanted))(
  'V45 %s is answered the same with what the actor may not see and without',
  (_name, arbitrary) => {
    fc.assert(
      fc.property(hidden, arbitrary, (drawn, one) => {
        const world = withHidden(drawn)
        const told = (given: World) => {
          const context = { actor: '@eve', at: 2, epoch }
          const decision = decide(readerOf(given), { id: uuidOf(2), ...one }, context, { maxContentBytes: 100 })
          return decision.accepted ? 'accepted' : decision.error
        }
        expect(told(world)).toEqual(told(withoutHidden(world)))
      }),
      { numRuns: 300 },
    )
  },
)

test.each([
  { ban: false, what: 'private' },
  { ban: true, what: 'one that bans her' },
])('V46 what a stranger asks of a space that is not there for her is not remembered: $what', ({ ban }) => {
  const world = withHidden({
    ban,
    locations: ['@hidden', '@hidden', '@hidden'],
    roles: ['member'],
    openRole: undefined,
  })
  const mutations: Mutation[] = [
    { id: uuidOf(20), space: '@hidden', name: 'intention.remove', args: { id: uuidOf(9) } },
    { id: uuidOf(21), space: '@nowhere', name: 'intention.remove', args: { id: uuidOf(9) } },
    { id: uuidOf(22), space: '@open', name: 'space.remove', args: {} },
  ]
  const requested = mutations.map((mutation) => ({ actor: '@eve', mutation, epoch }))
  const { results } = applyBatch(world, requested, 2, { maxContentBytes: 100 })
  expect(results.map(({ error }) => error?.code)).toEqual(['not-found', 'not-found', 'forbidden'])
  expect([...world.ledger.of('@eve').keys()]).toEqual([uuidOf(22)])
})
