/** Oneself in the list: whatever the server lists, once and only while one is here. */
import type { Here } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSample } from './presence-state.ts'
import { unlistedSelf, withUnlisted } from './self-presence.ts'
import type { SpaceEvent } from './space-event.ts'
import { initialSpace, type SpaceState, stepSpace } from './space-state.ts'
import { SpaceLog } from '../testing/space-log.ts'

const NOW = 1_000_000
const here = (being: string, since = 1, state: Here['state'] = {}): Here => ({ being, since, state })
const log = new SpaceLog('@lobby')
const answer = (those: readonly Here[], hereCount = those.length): SpaceEvent => ({
  type: 'snapshotReceived',
  snapshot: log.snapshot(),
  roster: { here: those, hereCount },
})
const told = (fields: Partial<Extract<SpaceEvent, { type: 'presenceHeard' }>['frame']>): SpaceEvent => ({
  type: 'presenceHeard',
  frame: { joined: [], left: [], updated: [], hereCount: 0, frozen: false, ...fields },
})
const isHere = (state: Here['state'] = {}): SpaceEvent => ({ type: 'selfChanged', self: { being: '@ada', state } })
const goes: SpaceEvent = { type: 'selfChanged', self: null }
const connects: SpaceEvent = { type: 'connected' }

const steps = (...events: SpaceEvent[]): SpaceState =>
  events.reduce(
    (state, event) => stepSpace(state, event, { nowMs: NOW, dateMs: NOW, random: 0.5 }).state,
    initialSpace('@lobby'),
  )
const shownOf = ({ presence, self }: SpaceState) =>
  presence === null ? null : withUnlisted(presence, unlistedSelf(presence, self))

const crowd = [here('@bob', 2), here('@cy', 3)]

test('C116 in a crowd one is listed, and the count stays as it is', () => {
  const state = steps(isHere({ status: 'busy' }), connects, answer(crowd, 300))
  expect(shownOf(state)).toEqual({ here: [...crowd, here('@ada', NOW, { status: 'busy' })], hereCount: 300 })
  expect(shownOf(steps(isHere(), isHere({ away: true }), connects, answer(crowd, 300)))?.here).toContainEqual(
    here('@ada', NOW, { away: true }),
  )
})

test('C116 a list that is whole but for oneself counts one more, and is whole', () => {
  const shown = shownOf(steps(connects, answer(crowd), isHere()))
  expect(shown).toEqual({ here: [...crowd, here('@ada', NOW)], hereCount: 3 })
  expect(isSample(shown ?? { here: [], hereCount: 1 })).toBe(false)
})

test('C116 where the server lists one, its word counts: it knows of the other screens', () => {
  const ada = here('@ada', 1, { away: true })
  const shown = shownOf(steps(isHere(), connects, answer([ada, ...crowd])))
  expect(shown).toEqual({ here: [ada, ...crowd], hereCount: 3 })
})

test('C116 since when one is here is remembered when the list no longer says so', () => {
  const listed = [isHere(), connects, answer([here('@ada', 1), ...crowd])]
  expect(shownOf(steps(...listed, connects, answer(crowd, 300)))?.here).toContainEqual(here('@ada', 1))
  expect(shownOf(steps(...listed, told({ left: ['@ada'], hereCount: 2 }), isHere({ x: 1 })))?.here).toContainEqual(
    here('@ada', 1, { x: 1 }),
  )
  const joins = [isHere(), connects, answer(crowd, 300), told({ joined: [here('@ada', 7)], hereCount: 300 })]
  expect(shownOf(steps(...joins, connects, answer(crowd, 300)))?.here).toContainEqual(here('@ada', 7))
})

test('C116 who goes, or only watches, is shown as far as the server lists them', () => {
  expect(shownOf(steps(connects, answer(crowd, 300)))?.here).toEqual(crowd)
  expect(shownOf(steps(isHere(), connects, answer(crowd, 300), goes))?.here).toEqual(crowd)
  const lingering = steps(isHere(), connects, answer([here('@ada', 1)]), goes)
  expect(shownOf(lingering)?.here).toEqual([here('@ada', 1)])
})

test('C116 a space that is closed shows nobody, and oneself again when it is open', () => {
  const closed = steps(isHere(), connects, { type: 'unsubscribed', code: 'revoked', message: 'no longer' })
  expect(shownOf(closed)).toBeNull()
  const again = stepSpace(closed, { type: 'retryRequested' }, { nowMs: NOW, dateMs: NOW, random: 0.5 }).state
  const open = stepSpace(again, answer([], 0), { nowMs: NOW, dateMs: NOW, random: 0.5 }).state
  expect(shownOf(open)?.here).toEqual([here('@ada', NOW)])
})

const entry = fc.record({
  being: fc.constantFrom('@ada', '@bob', '@cy', '@dee'),
  since: fc.nat(5),
  state: fc.constantFrom<Here['state']>({}, { away: true }),
})
const entries = fc.uniqueArray(entry, { selector: ({ being }) => being, maxLength: 4 })
const unlistedCount = fc.nat(3)
const event: fc.Arbitrary<SpaceEvent> = fc.oneof(
  fc.constantFrom<SpaceEvent>(isHere(), isHere({ away: true }), goes, connects, { type: 'disconnected' }),
  fc.tuple(entries, unlistedCount).map(([those, more]) => answer(those, those.length + more)),
  fc.record({ joined: entries, updated: entries, left: fc.subarray(['@ada', '@bob']), hereCount: fc.nat(9) }).map(told),
)

test('C116 whatever is told in whatever order, one is listed once while one is here, and counted', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), fc.boolean(), (events, comes) => {
      const { presence, self } = steps(connects, answer(crowd, 9), ...events, comes ? isHere() : goes)
      const held = presence ?? { here: [], hereCount: 0 }
      const shown = withUnlisted(held, unlistedSelf(presence, self))
      const isListed = held.here.some(({ being }) => being === '@ada')
      expect(shown.here.filter(({ being }) => being === '@ada')).toHaveLength(comes || isListed ? 1 : 0)
      const isAdded = comes && !isListed
      expect(shown.hereCount).toBe(isAdded ? Math.max(held.hereCount, held.here.length + 1) : held.hereCount)
    }),
  )
})
