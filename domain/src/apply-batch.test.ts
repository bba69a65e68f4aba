import { type Being, changeSchema, type Mutation } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyBatch, duplicateOf, type RequestedMutation } from './apply-batch.ts'
import { copyWorld, emptyWorld, type Outcome, type World } from './world.ts'

const uuidOf = (n: number): string => `0193b2a0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
const guest = (id: string): Being => ({
  id,
  type: 'guest',
  name: id,
  owner: null,
  location: null,
  metadata: {},
  properties: {},
  content: [],
  rev: 0,
  createdAt: 1,
  modifiedAt: 1,
  lastSeenAt: null,
})

const actors = ['@ada', '@bob', '@eve']
const actor = fc.constantFrom(...actors)
const space = fc.constantFrom('@one', '@two')
const being = fc.constantFrom(...actors, '@bot', '@one')
const intention = fc.integer({ min: 1, max: 3 }).map(uuidOf)
const visibility = fc.constantFrom('public' as const, 'private' as const)
const name = fc.constantFrom('x', 'y')

type Wanted = Mutation extends infer M ? (M extends Mutation ? Omit<M, 'id'> : never) : never
const wanted: fc.Arbitrary<Wanted> = fc.oneof(
  fc.record({ space, name: fc.constant('space.create' as const), args: fc.record({ name, visibility }) }),
  fc.record({ space, name: fc.constant('space.update' as const), args: fc.record({ name, visibility }) }),
  fc.record({ space, name: fc.constant('space.remove' as const), args: fc.constant({}) }),
  fc.record({
    space: fc.option(space),
    name: fc.constant('being.create' as const),
    args: fc.record({ id: being, type: fc.constant('bot' as const), name }),
  }),
  fc.record({
    space: fc.option(space),
    name: fc.constant('being.update' as const),
    args: fc.record({ id: being, name }),
  }),
  fc.record({ space: fc.option(space), name: fc.constant('being.move' as const), args: fc.record({ id: being }) }),
  fc.record({ space, name: fc.constant('being.expel' as const), args: fc.record({ id: being }) }),
  fc.record({ space: fc.option(space), name: fc.constant('being.remove' as const), args: fc.record({ id: being }) }),
  fc.record({
    space,
    name: fc.constant('intention.create' as const),
    args: fc.record({ id: intention, type: fc.constant('utterance' as const), content: fc.constant<string[]>(['a']) }),
  }),
  fc.record({
    space,
    name: fc.constant('intention.append' as const),
    args: fc.record({ id: intention, text: fc.constantFrom('b', 'c'.repeat(40)) }),
  }),
  fc.record({ space, name: fc.constant('intention.remove' as const), args: fc.record({ id: intention }) }),
  fc.record({
    space,
    name: fc.constant('member.put' as const),
    args: fc.record({
      being,
      role: fc.constantFrom('owner' as const, 'member' as const, 'viewer' as const, 'banned' as const),
    }),
  }),
  fc.record({ space, name: fc.constant('member.remove' as const), args: fc.record({ being }) }),
)

const batch = fc.array(fc.record({ actor, wanted, number: fc.integer({ min: 1, max: 60 }) }), { maxLength: 60 })

const requestedOf = (drawn: { actor: string; wanted: Wanted; number: number }[]): RequestedMutation[] =>
  drawn.map(({ actor, wanted, number }, index) => ({
    actor,
    mutation: { id: uuidOf(1000 + number), ...wanted },
    epoch: uuidOf(5000 + index),
  }))

function worldWithGuests(): World {
  const world = emptyWorld()
  for (const id of actors) world.beings.set(id, guest(id))
  return world
}

test('D10 versions of each history are contiguous, and every change is one of the protocol', () => {
  fc.assert(
    fc.property(batch, (drawn) => {
      const { changes } = applyBatch(worldWithGuests(), requestedOf(drawn), 2, { maxContentBytes: 50 })
      const heads = new Map<string, number>()
      for (const { space, epoch, change } of changes) {
        changeSchema.parse(change)
        expect(change.version).toBe((heads.get(`${space} ${epoch}`) ?? 0) + 1)
        heads.set(`${space} ${epoch}`, change.version)
      }
    }),
  )
})

test('D10 a rejected mutation leaves the world as it was, but for the ledger', () => {
  fc.assert(
    fc.property(batch, (drawn) => {
      const world = worldWithGuests()
      for (const requested of requestedOf(drawn)) {
        const before = copyWorld(world)
        const { results, changes } = applyBatch(world, [requested], 2, { maxContentBytes: 50 })
        if (results[0]?.status !== 'rejected') continue
        expect(changes).toEqual([])
        expect({ ...world, ledger: undefined }).toEqual({ ...before, ledger: undefined })
      }
    }),
  )
})

test('D10 a space has an owner as long as it lives, and nobody is in a space that is not', () => {
  fc.assert(
    fc.property(batch, (drawn) => {
      const world = worldWithGuests()
      applyBatch(world, requestedOf(drawn), 2, { maxContentBytes: 50 })
      for (const id of world.spaces.keys()) expect([...world.members.of(id).values()].includes('owner')).toBe(true)
      for (const { location } of world.beings.values())
        expect(location === null || world.spaces.has(location)).toBe(true)
      for (const { location } of world.intentions.values()) expect(world.spaces.has(location)).toBe(true)
    }),
  )
})

test('D11 in one batch the second of an id answers as the first did, and so does the whole batch again', () => {
  fc.assert(
    fc.property(batch, (drawn) => {
      const requested = requestedOf(drawn)
      const world = worldWithGuests()
      const first = applyBatch(world, requested, 2, { maxContentBytes: 50 })
      const outcomeOf = ({ actor, mutation }: RequestedMutation) => world.ledger.get(actor, mutation.id)
      for (const [index, one] of requested.entries()) {
        const outcome = outcomeOf(one)
        if (outcome === undefined) expect(first.results[index]?.status).toBe('rejected')
        else if (first.results[index]?.status === 'duplicate')
          expect(first.results[index]).toEqual(duplicateOf(one.mutation.id, outcome))
      }
      const remembered = requested.filter((one) => outcomeOf(one) !== undefined)
      const again = applyBatch(world, remembered, 3, { maxContentBytes: 50 })
      expect(again.changes).toEqual([])
      expect(again.results).toEqual(remembered.map((one) => duplicateOf(one.mutation.id, outcomeOf(one) ?? nothing)))
    }),
  )
})
const nothing: Outcome = { status: 'applied' }

test('D11 the same id of two actors is two mutations', () => {
  const world = worldWithGuests()
  const mutation: Mutation = {
    id: uuidOf(1),
    space: null,
    name: 'being.create',
    args: { id: '@bot', type: 'bot', name: 'x' },
  }
  const requested = ['@ada', '@bob'].map((actor) => ({ actor, mutation, epoch: uuidOf(2) }))
  expect(applyBatch(world, requested, 2, { maxContentBytes: 50 }).results.map(({ status }) => status)).toEqual([
    'applied',
    'rejected',
  ])
})
