import type { Role, Space } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyBatch, type RequestedMutation } from './apply-batch.ts'
import { worthOf } from './invite.ts'
import type { OpenInvite } from './open-invite.ts'
import { RIGHTS_OF, standingIn } from './rights.ts'
import { emptyWorld, type World } from './world.ts'

const uuidOf = (n: number): string => `0193b2a0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
const epoch = uuidOf(1)
const id = uuidOf(2)
const AT = 1_000

const roles = fc.option(fc.constantFrom<Role>('owner', 'member', 'viewer', 'banned'), { nil: undefined })
const spaces = fc.record({
  visibility: fc.constantFrom<Space['visibility']>('public', 'private'),
  posting: fc.constantFrom<Space['posting']>('everyone', 'members'),
})
const invites = fc.record({
  ...{ id: fc.constant(id), space: fc.constant('@room'), by: fc.constant('@root') },
  role: fc.constantFrom<OpenInvite['role']>('member', 'viewer'),
  usesLeft: fc.integer({ min: 0, max: 3 }),
  expiresAt: fc.integer({ min: AT - 2, max: AT + 2 }),
})

const OPEN: OpenInvite = { id, space: '@room', role: 'member', by: '@root', usesLeft: 1, expiresAt: AT + 1 }

function worldOf(
  invite: OpenInvite | undefined,
  held?: Role,
  more: Partial<Space> = {},
  ofMaker: Role = 'owner',
): World {
  const world = emptyWorld()
  const space = { id: '@room', name: 'Room', visibility: 'private', epoch, version: 7, createdAt: 1 } as const
  world.spaces.set('@room', { ...space, ...more })
  for (const one of ['@root', '@me', ...Array.from({ length: 20 }, (_, n) => `@guest-${n}`)])
    world.beings.set(one, {
      ...{ id: one, type: 'guest', name: one, owner: null, location: null, metadata: {}, properties: {} },
      ...{ content: [], rev: 0, createdAt: 1, modifiedAt: 1, lastSeenAt: null },
    })
  world.members.set('@room', '@root', ofMaker)
  if (held !== undefined) world.members.set('@room', '@me', held)
  if (invite !== undefined) world.invites.set(invite.id, invite)
  return world
}

const shows = (actor: string, nth = 10, role: OpenInvite['role'] = 'member'): RequestedMutation => ({
  ...{ actor, epoch, invite: id },
  mutation: { id: uuidOf(nth), space: '@room', name: 'member.put', args: { being: actor, role } },
})
const options = { maxContentBytes: 100 }

test('V100 an invite gives its role to whoever shows it, as a change of members by them, and is used up by that', () => {
  const world = worldOf(OPEN)
  const { results, changes } = applyBatch(world, [shows('@me')], AT, options)
  expect(results).toEqual([{ id: uuidOf(10), status: 'applied', version: 8 }])
  expect(changes.map(({ space, change }) => [space, change.version, change.kind, change.actor, change.body])).toEqual([
    ['@room', 8, 'member.put', '@me', { being: '@me', role: 'member' }],
  ])
  expect(world.invites.get(id)?.usesLeft).toBe(0)
  expect(world.members.get('@room', '@me')).toBe('member')
})

test('V100 of twenty who show an invite with three uses three get in, and no more however often they ask', () => {
  const world = worldOf({ ...OPEN, usesLeft: 3 })
  const asking = Array.from({ length: 20 }, (_, n) => shows(`@guest-${n}`, 10 + n))
  const { results, changes } = applyBatch(
    world,
    [...asking, ...asking.map((one, n) => ({ ...one, mutation: { ...one.mutation, id: uuidOf(100 + n) } }))],
    AT,
    options,
  )
  const first = results.slice(0, 20).map(({ status }) => status)
  expect(first.filter((status) => status === 'applied')).toHaveLength(3)
  // Those who are in are told so again; for the others it stays none.
  expect(results.slice(20).map(({ status }) => status)).toEqual(first)
  expect(changes).toHaveLength(3)
})

test.each<[string, World]>([
  ['never was', worldOf(undefined)],
  ['is used up', worldOf({ ...OPEN, usesLeft: 0 })],
  ['is used up, in a space that one reads', worldOf({ ...OPEN, usesLeft: 0 }, undefined, { visibility: 'public' })],
  ['has ended', worldOf({ ...OPEN, expiresAt: AT })],
  ['is shown by somebody who is banned', worldOf(OPEN, 'banned')],
  ['is shown by somebody who is banned from a public space', worldOf(OPEN, 'banned', { visibility: 'public' })],
  ['was made by somebody who owns the space no more', worldOf(OPEN, undefined, {}, 'member')],
  ['was made by somebody who is banned', worldOf(OPEN, undefined, {}, 'banned')],
  ['leads to a space that is gone', { ...worldOf(OPEN), spaces: new Map() }],
])('V101 an invite that %s says what one says that never was, and leaves no row', (_why, world) => {
  const { results, changes } = applyBatch(world, [shows('@me')], AT, options)
  expect(results).toEqual([
    { id: uuidOf(10), status: 'rejected', error: { code: 'not-found', message: 'no such invite' } },
  ])
  expect(changes).toEqual([])
  expect(world.ledger.get('@me', uuidOf(10))).toBeUndefined()
})

test('V102 an invite takes no right from anybody, and who has as much already uses nothing up', () => {
  fc.assert(
    fc.property(invites, spaces, roles, roles, (invite, space, held, ofMaker) => {
      const worth = worthOf({ invite, space, held, ofMaker }, AT)
      const rightsBefore = RIGHTS_OF[standingIn(space, held)]
      if (worth !== 'role') return
      for (const right of rightsBefore) expect(RIGHTS_OF[invite.role]).toContain(right)
    }),
    { numRuns: 1000 },
  )
  for (const held of ['owner', 'member'] as const)
    for (const usesLeft of [0, 1]) {
      const world = worldOf({ ...OPEN, usesLeft }, held)
      const { results, changes } = applyBatch(world, [shows('@me')], AT, options)
      expect([results[0]?.status, changes, world.invites.get(id)?.usesLeft]).toEqual(['applied', [], usesLeft])
      expect(world.members.get('@room', '@me')).toBe(held)
    }
  // A viewer in a space where everybody posts would lose by becoming one.
  const visiting = worldOf({ ...OPEN, role: 'viewer' }, undefined, { visibility: 'public' })
  expect(applyBatch(visiting, [shows('@me', 10, 'viewer')], AT, options).changes).toEqual([])
  // A visitor becomes a member, which is no more as long as the space is public.
  const joining = worldOf(OPEN, undefined, { visibility: 'public' })
  expect(applyBatch(joining, [shows('@me')], AT, options).changes).toHaveLength(1)
})

test('V103 whatever there is, an invite is worth a role only to whom it is open and who is not banned', () => {
  fc.assert(
    fc.property(invites, spaces, roles, roles, (invite, space, held, ofMaker) => {
      const worth = worthOf({ invite, space, held, ofMaker }, AT)
      const isVoid = held === 'banned' || ofMaker !== 'owner' || invite.expiresAt <= AT
      if (isVoid) expect(worth).toBe('none')
      if (worth === 'role') expect([isVoid, invite.usesLeft > 0]).toEqual([false, true])
      if (worth === 'none' && !isVoid) expect(invite.usesLeft).toBe(0)
    }),
    { numRuns: 1000 },
  )
})
