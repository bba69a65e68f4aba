/** The roster of a space: each rule by a table, and the property over any order of frames. */
import type { Here } from '@rhizom/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyPresence, isSample, type PresenceChange, type PresenceState, takeRoster } from './presence-state.ts'
import { spaceMachine } from './space.ts'
import { initialSpace, type SpaceEvent, type SpaceState } from './space-state.ts'
import { TYPING, typistsOf } from './typing-state.ts'
import { aBeing, anUtterance, SpaceLog } from '../testing/space-log.ts'

const NOW = 1_000_000
const at = (nowMs = NOW) => ({ nowMs, dateMs: nowMs, random: 0.5 })
const here = (being: string, since = 1, state: Here['state'] = {}): Here => ({ being, since, state })
const frameOf = (fields: Partial<PresenceChange>): PresenceChange => ({
  joined: [],
  left: [],
  updated: [],
  hereCount: 0,
  frozen: false,
  ...fields,
})
const ada = here('@ada', 1)
const bob = here('@bob', 2)
const two = takeRoster(undefined, { here: [bob, ada], hereCount: 2 }, NOW)
const listed = ({ here: entries }: PresenceState): string[] => entries.map(({ being }) => being)

describe('C101 frames', () => {
  const cases: { name: string; frame: Partial<PresenceChange>; list: string[]; count: number }[] = [
    { name: 'a join', frame: { joined: [here('@cy', 3)], hereCount: 3 }, list: ['@ada', '@bob', '@cy'], count: 3 },
    { name: 'a join known already', frame: { joined: [bob], hereCount: 2 }, list: ['@ada', '@bob'], count: 2 },
    { name: 'a leave', frame: { left: ['@ada'], hereCount: 1 }, list: ['@bob'], count: 1 },
    { name: 'a leave of a stranger', frame: { left: ['@zoe'], hereCount: 2 }, list: ['@ada', '@bob'], count: 2 },
    {
      name: 'leaving and coming in one frame',
      frame: { left: ['@ada'], joined: [ada], hereCount: 2 },
      list: ['@ada', '@bob'],
      count: 2,
    },
    {
      name: 'an update of a stranger',
      frame: { updated: [here('@zoe')], hereCount: 2 },
      list: ['@ada', '@bob'],
      count: 2,
    },
    { name: 'a mere count', frame: { hereCount: 300 }, list: ['@ada', '@bob'], count: 300 },
  ]
  test.each(cases)('C101 $name, once or twice, has one outcome', ({ frame, list, count }) => {
    const once = applyPresence(two, frameOf(frame), NOW)
    const twice = applyPresence(once, frameOf(frame), NOW)
    for (const state of [once, twice]) {
      expect(listed(state)).toEqual(list)
      expect(state.hereCount).toBe(count)
    }
  })

  test('C101 an update replaces the state and touches nobody else', () => {
    const after = applyPresence(two, frameOf({ updated: [here('@bob', 2, { away: true })], hereCount: 2 }), NOW)
    expect(after.here[1]).toEqual(here('@bob', 2, { away: true }))
    expect(after.here[0]).toBe(two.here[0])
  })
})

describe('C117 what says nothing new', () => {
  const copy = <T>(value: T): T => structuredClone(value)
  const quiet: Record<string, Partial<PresenceChange>> = {
    'a join of those who came with the answer': { joined: copy([ada, bob]) },
    'an update to the state that is known': { updated: copy([bob]) },
    'a leave and an update of strangers': { left: ['@zoe'], updated: [here('@yan')] },
    'a leave and a join in one': { left: ['@bob'], joined: copy([bob]) },
    'a mere count that is the same': {},
  }
  test.each(Object.keys(quiet))('C117 %s is no change at all', (name) => {
    expect(applyPresence(two, frameOf({ ...quiet[name], hereCount: 2 }), NOW)).toBe(two)
    const before = { ...current, presence: two }
    const after = steps(before, { type: 'presenceReceived', frame: frameOf({ ...quiet[name], hereCount: 2 }) })
    expect(after.presence).toBe(two)
  })

  test('C117 an answer with the same people leaves the list and its entries as they are', () => {
    expect(takeRoster(two, copy({ here: [bob, ada], hereCount: 2 }), NOW).here).toBe(two.here)
    const after = takeRoster(two, copy({ here: [ada, here('@bob', 9)], hereCount: 2 }), NOW)
    expect(after.here[0]).toBe(two.here[0])
    expect(after.here[1]).toEqual(here('@bob', 9))
  })
})

test('C119 of a sample, who is not listed may change, leave or be counted without anything else changing', () => {
  const sample = takeRoster(undefined, { here: [ada, bob], hereCount: 300 }, NOW)
  const updated = frameOf({ updated: [here('@zoe', 1, { away: true })], hereCount: 300 })
  expect(applyPresence(sample, updated, NOW)).toBe(sample)
  const fewer = applyPresence(sample, frameOf({ left: ['@zoe'], hereCount: 299 }), NOW)
  expect(fewer).toEqual({ ...sample, hereCount: 299 })
  expect(fewer.here).toBe(sample.here)
  const replaced = applyPresence(fewer, frameOf({ left: ['@ada'], joined: [here('@zoe', 1)], hereCount: 298 }), NOW)
  expect(listed(replaced)).toEqual(['@zoe', '@bob'])
  expect(applyPresence(replaced, updated, NOW).here[0]).toEqual(here('@zoe', 1, { away: true }))
})

test('C102 a list shorter than the count is a sample', () => {
  expect(isSample(two)).toBe(false)
  expect(isSample(applyPresence(two, frameOf({ hereCount: 132 }), NOW))).toBe(true)
})

test('C103 the frozen mark comes with a frame, and goes with one or with an answer', () => {
  const frozen = applyPresence(two, frameOf({ hereCount: 2, frozen: true }), NOW)
  expect(frozen).toMatchObject({ frozen: true, here: two.here })
  expect(applyPresence(frozen, frameOf({ hereCount: 2 }), NOW).frozen).toBe(false)
  expect(takeRoster(frozen, two, NOW).frozen).toBe(false)
})

test('C105 when somebody was last here is noted, by a leave or by missing in an answer', () => {
  const after = applyPresence(two, frameOf({ left: ['@ada'], hereCount: 1 }), NOW + 5)
  expect(after.lastSeen).toEqual({ '@ada': NOW + 5 })
  const paused = { ...two, staleSinceMs: NOW + 7 }
  expect(takeRoster(paused, { here: [ada], hereCount: 1 }, NOW + 900).lastSeen).toEqual({ '@bob': NOW + 7 })
  expect(takeRoster(paused, { here: [ada], hereCount: 9 }, NOW + 900).lastSeen).toEqual({})
})

test('C105 the notes of who left do not grow without bound', { timeout: 60_000 }, () => {
  let state = two
  for (let index = 0; index < 1_200; index += 1) {
    const being = `@guest-${index}`
    state = applyPresence(state, frameOf({ joined: [here(being, 9)], hereCount: 3 }), NOW)
    state = applyPresence(state, frameOf({ left: [being], hereCount: 2 }), NOW)
  }
  expect(Object.keys(state.lastSeen)).toHaveLength(500)
  expect(state.lastSeen['@guest-1199']).toBe(NOW)
})

const log = new SpaceLog('@lobby')
log.write({ kind: 'being.put', body: aBeing('@ada', { location: '@lobby' }) })
const answer: SpaceEvent = { type: 'snapshotReceived', snapshot: log.snapshot(), roster: two }
const steps = (state: SpaceState, ...events: SpaceEvent[]): SpaceState =>
  events.reduce((before, event) => spaceMachine.step(before, event, at()).state, state)
const current = steps(initialSpace('@lobby'), { type: 'connected' }, answer)

test('C100 an answer to subscribe replaces the roster, also where its content is not taken', () => {
  expect(listed(current.presence ?? two)).toEqual(['@ada', '@bob'])
  const again = steps(current, { ...answer, roster: { here: [bob], hereCount: 1 } })
  expect(again.content).toBe(current.content)
  expect(again.presence).toMatchObject({ here: [bob], hereCount: 1 })
})

test('C104 without a connection the last roster stays and is stale, until the next answer', () => {
  const paused = steps(current, { type: 'disconnected' })
  expect(paused.presence).toMatchObject({ here: two.here, hereCount: 2, staleSinceMs: NOW })
  const late: SpaceEvent = { type: 'presenceReceived', frame: frameOf({ left: ['@ada'], hereCount: 1 }) }
  expect(steps(paused, late)).toBe(paused)
  const asking = steps(paused, { type: 'connected' })
  expect(asking.presence).toBe(paused.presence)
  expect(steps(asking, answer).presence).toMatchObject({ here: two.here, staleSinceMs: undefined })
})

test('C104 a subscription that fails marks the roster stale', () => {
  const failed: SpaceEvent = { type: 'subscribeFailed', code: 'unavailable', message: 'away', retryAfterMs: 1 }
  expect(steps(current, failed).presence).toMatchObject({ here: two.here, staleSinceMs: NOW })
})

test('C104 a space that is closed keeps nobody', () => {
  const closed = steps(current, { type: 'unsubscribed', code: 'revoked', message: 'no longer' })
  expect(closed).toMatchObject({ presence: undefined, typing: [] })
})

test('C106 an error about a state or a signal leaves the subscription alone', () => {
  for (const code of ['too-large', 'malformed', 'rate-limited'])
    expect(steps(current, { type: 'subscribeFailed', code, message: 'no', retryAfterMs: undefined })).toBe(current)
  const asking = steps(current, { type: 'presentChanged', being: '@ada' })
  expect(asking.subscription.status).toBe('asking')
  expect(
    steps(asking, { type: 'subscribeFailed', code: 'not-subscribed', message: 'no', retryAfterMs: undefined }),
  ).toBe(asking)
})

const typists = ({ typing }: SpaceState) => typistsOf(typing)
const bobTypes: SpaceEvent = { type: 'typingReceived', being: '@bob' }

test('C110 one who types is shown for a while after the last signal', () => {
  const typing = steps(current, bobTypes)
  expect(typists(typing)).toEqual(['@bob'])
  const more = spaceMachine.step(typing, bobTypes, at(NOW + 3_000)).state
  expect(spaceMachine.wakesAtMs(more)).toBe(NOW + 3_000 + TYPING.shownMs)
  const before = spaceMachine.step(more, { type: 'timePassed' }, at(NOW + 6_999)).state
  expect(typists(before)).toEqual(['@bob'])
  const after = spaceMachine.step(before, { type: 'timePassed' }, at(NOW + 7_000)).state
  expect(typists(after)).toEqual([])
  expect(spaceMachine.wakesAtMs(after)).toBeUndefined()
})

const said = log.write({ kind: 'intention.put', body: anUtterance('@lobby', '@bob', 'so it is') })
const moved = log.write({ kind: 'being.remove', body: { id: '@bob' } })
const { epoch } = log
const enders: Record<string, SpaceEvent[]> = {
  'a message of it': [{ type: 'changesReceived', frame: { epoch, from: 1, to: 2, changes: [said] } }],
  'its move elsewhere': [{ type: 'changesReceived', frame: { epoch, from: 1, to: 3, changes: [said, moved] } }],
  'its leaving': [{ type: 'presenceReceived', frame: frameOf({ left: ['@bob'], hereCount: 1 }) }],
  'the end of the connection': [{ type: 'disconnected' }],
  'a reconnect': [{ type: 'disconnected' }, { type: 'connected' }, answer],
}

test.each(Object.keys(enders))('C111 typing ends at once with %s', (name) => {
  const typing = steps(current, bobTypes)
  expect(typists(steps(typing, ...(enders[name] ?? [])))).toEqual([])
})

test('C118 typing that is taken back is over at once, and what is typed next counts', () => {
  const bobStops: SpaceEvent = { type: 'typingEnded', being: '@bob' }
  const stopped = steps(current, bobTypes, { type: 'typingReceived', being: '@ada' }, bobStops)
  expect(typists(stopped)).toEqual(['@ada'])
  expect(typists(steps(stopped, bobStops, bobTypes))).toEqual(['@ada', '@bob'])
  // A signal from before a message does not become newer by being taken back.
  expect(typists(steps(current, bobTypes, ...(enders['a message of it'] ?? []), bobStops, bobTypes))).toEqual([])
})

test('C111 a message of another leaves the typist typing', () => {
  const typing = steps(current, { type: 'typingReceived', being: '@ada' }, ...(enders['a message of it'] ?? []))
  expect(typists(typing)).toEqual(['@ada'])
})

const names = ['@a', '@b', '@c', '@d', '@e']
const entry = fc.record({
  being: fc.constantFrom(...names),
  since: fc.nat(5),
  state: fc.constantFrom<Here['state']>({}, { away: true }, { cursor: 3 }),
})
const frame: fc.Arbitrary<PresenceChange> = fc.record({
  joined: fc.array(entry, { maxLength: 3 }),
  left: fc.array(fc.constantFrom(...names), { maxLength: 3 }),
  updated: fc.array(entry, { maxLength: 3 }),
  hereCount: fc.nat(9),
  frozen: fc.boolean(),
})
const roster = fc.record({
  here: fc.uniqueArray(entry, { selector: ({ being }) => being, maxLength: 5 }),
  hereCount: fc.nat(9),
})
const event: fc.Arbitrary<SpaceEvent> = fc.oneof(
  { weight: 6, arbitrary: frame.map((heard) => ({ type: 'presenceReceived', frame: heard }) as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'disconnected' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'connected' } as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { type: 'presentChanged', being: '@ada' } as const,
      { type: 'presentChanged', being: undefined } as const,
    ),
  },
  { weight: 1, arbitrary: roster.map((given) => ({ ...answer, roster: given }) as const) },
)

test('C107 whatever frames came late, twice or not at all, the next answer is the roster', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), roster, (events, truth) => {
      const before = steps(current, ...events)
      const after = steps(before, { type: 'connected' }, { ...answer, roster: truth }).presence
      expect(after).toMatchObject({ hereCount: truth.hereCount, frozen: false, staleSinceMs: undefined })
      expect(listed(after ?? two).toSorted()).toEqual(truth.here.map(({ being }) => being).toSorted())
      for (const given of truth.here) expect(after?.here).toContainEqual(given)
    }),
  )
})

test('C107 frames of a server that tells every change lead to its roster, however often each arrives', () => {
  const change = fc.record({
    being: fc.constantFrom(...names),
    comes: fc.boolean(),
    copies: fc.integer({ min: 1, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const truth = new Map<string, Here>()
      let state = takeRoster(undefined, { here: [], hereCount: 0 }, NOW)
      for (const [since, { being, comes, copies }] of changes.entries()) {
        const isNew = comes && !truth.has(being)
        const known = truth.get(being) ?? here(being, since)
        if (comes) truth.set(being, known)
        else truth.delete(being)
        const told = frameOf({
          joined: isNew ? [known] : [],
          updated: comes && !isNew ? [known] : [],
          left: comes ? [] : [being],
          hereCount: truth.size,
        })
        for (let copy = 0; copy < copies; copy += 1) state = applyPresence(state, told, NOW)
      }
      expect(listed(state).toSorted()).toEqual([...truth.keys()].toSorted())
      expect(isSample(state)).toBe(false)
    }),
  )
})

test('C115 a signal that its own message has overtaken begins nothing anew, a later one does', () => {
  const silent = steps(current, bobTypes, ...(enders['a message of it'] ?? []))
  expect(spaceMachine.wakesAtMs(silent)).toBeUndefined()
  const late = spaceMachine.step(silent, bobTypes, at(NOW + TYPING.overtakenMs - 1)).state
  expect(typists(late)).toEqual([])
  const another = spaceMachine.step(
    late,
    { type: 'typingReceived', being: '@ada' },
    at(NOW + TYPING.overtakenMs - 1),
  ).state
  expect(typists(another)).toEqual(['@ada'])
  const again = spaceMachine.step(another, bobTypes, at(NOW + TYPING.overtakenMs)).state
  expect(typists(again)).toEqual(['@ada', '@bob'])
})
