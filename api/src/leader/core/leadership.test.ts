/** The whole machine as one table: for every state and every event the status that follows and the effects. */
import { momentAt } from '@rhizom/machine/testing'
import { expect, test } from 'vitest'
import {
  initialLeadership,
  type Leadership,
  type LeadershipEffect,
  type LeadershipEvent,
  leadershipMachine,
} from './leadership.ts'

const NOW = 100_000
const onLock = { firstAfterMs: 0, everyMs: 1000, deadlineMs: 4000 }
const machine = leadershipMachine({
  everyMs: 1000,
  deadlineMs: 4000,
  duties: {
    heads: onLock,
    revocations: onLock,
    leases: { firstAfterMs: 60_000, everyMs: 60_000, deadlineMs: undefined },
    pruning: { firstAfterMs: 60_000, everyMs: 60_000, deadlineMs: undefined },
    guests: { firstAfterMs: 60_000, everyMs: 60_000, deadlineMs: undefined },
  },
})

type Status = Leadership['status']
type Type = LeadershipEvent['type'] | 'timePassed'

const states: Record<Status, Leadership> = {
  following: { status: 'following', term: 3, askAtMs: NOW },
  asking: { status: 'asking', term: 3, sinceMs: NOW - 4000 },
  leading: {
    status: 'leading',
    term: 3,
    duties: {
      heads: { status: 'waiting', dueAtMs: NOW },
      revocations: { status: 'running', sinceMs: NOW - 500 },
      leases: { status: 'running', sinceMs: NOW - 30_000 },
      pruning: { status: 'running', sinceMs: NOW - 30_000 },
      guests: { status: 'waiting', dueAtMs: NOW + 30_000 },
    },
  },
}

const events: Record<Type, LeadershipEvent | { type: 'timePassed' }> = {
  timePassed: { type: 'timePassed' },
  electionWon: { type: 'electionWon', term: 3 },
  electionLost: { type: 'electionLost', term: 3 },
  connectionLost: { type: 'connectionLost' },
  dutyDone: { type: 'dutyDone', term: 3, duty: 'revocations' },
}

const told = (effect: LeadershipEffect): string => ('duty' in effect ? `${effect.type} ${effect.duty}` : effect.type)

type Cell = [after: Status, effects: string[]]
const table: Record<Status, Record<Type, Cell>> = {
  following: {
    timePassed: ['asking', ['askForLock']],
    electionWon: ['following', []],
    electionLost: ['following', []],
    connectionLost: ['following', []],
    dutyDone: ['following', []],
  },
  asking: {
    timePassed: ['following', ['dropConnection']],
    electionWon: ['leading', ['lead', 'runDuty heads', 'runDuty revocations']],
    electionLost: ['following', []],
    connectionLost: ['following', []],
    dutyDone: ['asking', []],
  },
  leading: {
    timePassed: ['leading', ['runDuty heads']],
    electionWon: ['leading', []],
    electionLost: ['leading', []],
    connectionLost: ['following', ['follow']],
    dutyDone: ['leading', []],
  },
}

const cells = (Object.keys(table) as Status[]).flatMap((status) =>
  (Object.keys(table[status]) as Type[]).map((type) => [status, type, ...table[status][type]] as const),
)

test.each(cells)('A70 %s, %s: %s %j', (status, type, after, effects) => {
  const step = machine.step(states[status], events[type], momentAt(NOW))
  expect([step.state.status, step.effects.map(told)]).toEqual([after, effects])
  // Whatever happens, there is something to wait for.
  expect(machine.wakesAtMs(step.state)).toBeGreaterThanOrEqual(NOW)
})

const after = (state: Leadership, nowMs: number, ...happened: LeadershipEvent[]): Leadership =>
  happened.reduce((held, event) => machine.step(held, event, momentAt(nowMs)).state, state)

test('A70 a node asks at once, and again an interval after it began to ask', () => {
  const asking = machine.step(initialLeadership(NOW), { type: 'timePassed' }, momentAt(NOW)).state
  expect(asking).toMatchObject({ status: 'asking', term: 1 })
  const lost = after(asking, NOW + 300, { type: 'electionLost', term: 1 })
  expect(machine.wakesAtMs(lost)).toBe(NOW + 1000)
  expect(machine.wakesAtMs(after(asking, NOW + 3000, { type: 'electionLost', term: 1 }))).toBe(NOW + 3000)
})

test('A70 a duty is done again an interval after it began, and at once if it took longer', () => {
  const { leading } = states
  const soon = after(leading, NOW, { type: 'dutyDone', term: 3, duty: 'revocations' })
  expect(soon).toMatchObject({ duties: { revocations: { status: 'waiting', dueAtMs: NOW + 500 } } })
  const late = after(leading, NOW + 2000, { type: 'dutyDone', term: 3, duty: 'revocations' })
  expect(late).toMatchObject({ duties: { revocations: { status: 'waiting', dueAtMs: NOW + 2000 } } })
})

test('A70 a duty on the connection of the lock that takes too long costs the leadership, pruning may take its time', () => {
  const { leading } = states
  expect(machine.step(leading, { type: 'timePassed' }, momentAt(NOW + 3499)).state.status).toBe('leading')
  const step = machine.step(leading, { type: 'timePassed' }, momentAt(NOW + 3500))
  expect([step.state, step.effects.map(told)]).toEqual([
    { status: 'following', term: 3, askAtMs: NOW + 4500 },
    ['dropConnection', 'follow'],
  ])
})

test('A70 what a former term brings late is passed over', () => {
  const asking: Leadership = { status: 'asking', term: 4, sinceMs: NOW }
  expect(after(asking, NOW, { type: 'electionWon', term: 3 })).toBe(asking)
  const leading = after(asking, NOW, { type: 'electionWon', term: 4 })
  expect(after(leading, NOW, { type: 'dutyDone', term: 3, duty: 'heads' })).toBe(leading)
  // Said twice, it is no reason to do it again at once.
  const done = after(leading, NOW, { type: 'dutyDone', term: 4, duty: 'heads' })
  expect(after(done, NOW + 900, { type: 'dutyDone', term: 4, duty: 'heads' })).toBe(done)
})
