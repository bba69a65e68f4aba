/** Oneself in the list: whatever the server lists, once and only while one is here. */
import type { Here } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSample } from './presence-state.ts'
import { unlistedSelf, withUnlisted } from './own-presence.ts'
import { spaceMachine } from './space.ts'
import { initialSpace, type SpaceEffect, type SpaceEvent, type SpaceState } from './space-state.ts'
import { OWN_STATE_WINDOW_MS } from './times.ts'
import { SpaceLog } from '../testing/space-log.ts'

const NOW = 1_000_000
const here = (being: string, since = 1, state: Here['state'] = {}): Here => ({ being, since, state })
const log = new SpaceLog('@lobby')
const answer = (those: readonly Here[], hereCount = those.length): SpaceEvent => ({
  type: 'snapshotReceived',
  snapshot: log.snapshot(),
  roster: { here: those, hereCount },
})
const told = (fields: Partial<Extract<SpaceEvent, { type: 'presenceReceived' }>['frame']>): SpaceEvent => ({
  type: 'presenceReceived',
  frame: { joined: [], left: [], updated: [], hereCount: 0, frozen: false, ...fields },
})
const comes: SpaceEvent = { type: 'presentChanged', being: '@ada' }
const isHere = (state: Here['state'] = {}): SpaceEvent[] => [comes, { type: 'stateSet', state }]
const goes: SpaceEvent = { type: 'presentChanged', being: undefined }
const connects: SpaceEvent = { type: 'connected' }

const steps = (...events: (SpaceEvent | SpaceEvent[])[]): SpaceState =>
  events
    .flat()
    .reduce(
      (state, event) => spaceMachine.step(state, event, { nowMs: NOW, dateMs: NOW, random: 0.5 }).state,
      initialSpace('@lobby'),
    )
const shownOf = ({ presence, own }: SpaceState) => presence && withUnlisted(presence, unlistedSelf(presence, own))

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
  const listed = [...isHere(), connects, answer([here('@ada', 1), ...crowd])]
  expect(shownOf(steps(...listed, connects, answer(crowd, 300)))?.here).toContainEqual(here('@ada', 1))
  expect(shownOf(steps(...listed, told({ left: ['@ada'], hereCount: 2 }), isHere({ x: 1 })))?.here).toContainEqual(
    here('@ada', 1, { x: 1 }),
  )
  const joins = [...isHere(), connects, answer(crowd, 300), told({ joined: [here('@ada', 7)], hereCount: 300 })]
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
  expect(shownOf(closed)).toBeUndefined()
  const again = spaceMachine.step(closed, { type: 'retryRequested' }, { nowMs: NOW, dateMs: NOW, random: 0.5 }).state
  const open = spaceMachine.step(again, answer([], 0), { nowMs: NOW, dateMs: NOW, random: 0.5 }).state
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
  fc.constantFrom<SpaceEvent>(comes, { type: 'stateSet', state: { away: true } }, goes, connects, {
    type: 'disconnected',
  }),
  fc.tuple(entries, unlistedCount).map(([those, more]) => answer(those, those.length + more)),
  fc.record({ joined: entries, updated: entries, left: fc.subarray(['@ada', '@bob']), hereCount: fc.nat(9) }).map(told),
)

test('C116 whatever is told in whatever order, one is listed once while one is here, and counted', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), fc.boolean(), (events, comes) => {
      const { presence, own } = steps(connects, answer(crowd, 9), ...events, comes ? isHere() : goes)
      const held = presence ?? { here: [], hereCount: 0 }
      const shown = withUnlisted(held, unlistedSelf(presence, own))
      const isListed = held.here.some(({ being }) => being === '@ada')
      expect(shown.here.filter(({ being }) => being === '@ada')).toHaveLength(comes || isListed ? 1 : 0)
      const isAdded = comes && !isListed
      expect(shown.hereCount).toBe(isAdded ? Math.max(held.hereCount, held.here.length + 1) : held.hereCount)
    }),
  )
})

const when = (nowMs: number) => ({ nowMs, dateMs: nowMs, random: 0.5 })
/** What each event led to, one after another at one moment, from a space of which nothing is known. */
function run(nowMs: number, before: SpaceState, ...events: (SpaceEvent | SpaceEvent[])[]) {
  const effects: SpaceEffect[] = []
  const state = events.flat().reduce((held, next) => {
    const step = spaceMachine.step(held, next, when(nowMs))
    effects.push(...step.effects)
    return step.state
  }, before)
  return { state, effects, wakesAtMs: spaceMachine.wakesAtMs(state) }
}
const sets = (x: number): SpaceEvent => ({ type: 'stateSet', state: { x } })
const sent = (x: number): SpaceEffect => ({ type: 'sendPresence', state: { x } })

test('C109 a state waits for the answer, and then for the window of the one before it', () => {
  const asked = run(NOW, initialSpace('@lobby'), comes, sets(1), connects)
  expect(asked.effects).toEqual([{ type: 'subscribe', position: undefined, present: true }])
  const current = run(NOW, asked.state, answer([]))
  expect(current.effects).toEqual([sent(1)])
  const waits = run(NOW + 1, current.state, sets(2), sets(3))
  expect(waits).toMatchObject({ effects: [], wakesAtMs: NOW + OWN_STATE_WINDOW_MS })
  expect(run(NOW + OWN_STATE_WINDOW_MS - 1, waits.state, { type: 'timePassed' }).effects).toEqual([])
  const late = run(NOW + OWN_STATE_WINDOW_MS, waits.state, { type: 'timePassed' })
  expect(late).toMatchObject({ effects: [sent(3)], wakesAtMs: undefined })
  expect(run(NOW + 2 * OWN_STATE_WINDOW_MS, late.state, sets(4)).effects).toEqual([sent(4)])
})

test('C109 a state is neither sent nor waited for by one who only watches, and is told when one comes', () => {
  const watches = run(NOW, initialSpace('@lobby'), connects, answer([]), sets(1))
  expect(watches).toMatchObject({ wakesAtMs: undefined, effects: [{ type: 'subscribe', present: false }] })
  const isComing = run(NOW, watches.state, comes)
  expect(isComing.effects).toMatchObject([{ type: 'subscribe', present: true }])
  expect(run(NOW, isComing.state, answer([])).effects).toEqual([sent(1)])
})

test('C108 who came or went while nothing was usable is told with the answer that came after all', () => {
  const asked = run(NOW, initialSpace('@lobby'), comes, connects)
  const late = run(NOW + 10_000, asked.state, { type: 'timePassed' })
  expect(late.state.subscription.status).toBe('retrying')
  const gone = run(NOW + 10_000, late.state, goes)
  expect(gone.effects).toEqual([])
  const answered = run(NOW + 10_001, gone.state, answer([]))
  expect(answered.effects).toMatchObject([{ type: 'subscribe', present: false }])
  expect(run(NOW + 10_002, answered.state, answer([])).effects).toEqual([])
})

test('C42 what was set of oneself outlives the store', () => {
  const { state } = run(NOW, initialSpace('@lobby'), isHere({ x: 1 }), connects, answer([]), { type: 'storeLost' })
  expect(state).toMatchObject({
    content: undefined,
    subscription: { status: 'paused' },
    own: { here: { being: '@ada' } },
  })
  expect(run(NOW, state, connects, answer([])).effects).toMatchObject([{ type: 'subscribe', present: true }, sent(1)])
})
