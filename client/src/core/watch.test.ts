/** Watching as one table (status by event), then what it promises over any order of events. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WATCH_TIMES } from './times.ts'
import { unwatched, type Watch, type WatchEffect, type WatchEvent, watchMachine } from './watch.ts'

const { step, wakesAtMs } = watchMachine
const NOW = 1_000_000
const moment = (nowMs: number) => ({ nowMs, dateMs: 0, random: 0.5 })

/** Each status as it can be: with others who watch or without, with others who are here or without. */
const states = {
  unwatched,
  'watched by one': { status: 'watched', watchers: 1, presentWatchers: 0 },
  'watched by one who is here': { status: 'watched', watchers: 1, presentWatchers: 1 },
  'watched by two, one is here': { status: 'watched', watchers: 2, presentWatchers: 1 },
  'leaving, others watch': { status: 'leaving', watchers: 1, leavesAtMs: NOW, endsAtMs: undefined },
  'leaving, nobody watches': { status: 'leaving', watchers: 0, leavesAtMs: NOW, endsAtMs: NOW + 5 },
  lingering: { status: 'lingering', endsAtMs: NOW },
} as const satisfies Record<string, Watch>

const events = {
  'somebody watches': { type: 'watchBegan', present: false },
  'somebody comes': { type: 'watchBegan', present: true },
  'one who watched stops': { type: 'watchEnded', present: false },
  'one who was here stops': { type: 'watchEnded', present: true },
  'room is needed': { type: 'roomNeeded' },
  'time has passed': { type: 'timePassed' },
} as const satisfies Record<string, WatchEvent>

type Name = keyof typeof states
type Cell = [status: Watch['status'], watchers: number, ...effects: string[]]

const table: Record<Name, Record<keyof typeof events, Cell | 'cannot be'>> = {
  unwatched: {
    'somebody watches': ['watched', 1, 'begin'],
    'somebody comes': ['watched', 1, 'begin here'],
    'one who watched stops': 'cannot be',
    'one who was here stops': 'cannot be',
    'room is needed': ['unwatched', 0],
    'time has passed': ['unwatched', 0],
  },
  'watched by one': {
    'somebody watches': ['watched', 2],
    'somebody comes': ['watched', 2, 'come'],
    'one who watched stops': ['lingering', 0],
    'one who was here stops': 'cannot be',
    'room is needed': ['watched', 1],
    'time has passed': ['watched', 1],
  },
  'watched by one who is here': {
    'somebody watches': ['watched', 2],
    'somebody comes': ['watched', 2],
    'one who watched stops': 'cannot be',
    'one who was here stops': ['leaving', 0],
    'room is needed': ['watched', 1],
    'time has passed': ['watched', 1],
  },
  'watched by two, one is here': {
    'somebody watches': ['watched', 3],
    'somebody comes': ['watched', 3],
    'one who watched stops': ['watched', 1],
    'one who was here stops': ['leaving', 1],
    'room is needed': ['watched', 2],
    'time has passed': ['watched', 2],
  },
  'leaving, others watch': {
    'somebody watches': ['leaving', 2],
    'somebody comes': ['watched', 2],
    'one who watched stops': ['leaving', 0],
    'one who was here stops': 'cannot be',
    'room is needed': ['leaving', 1],
    'time has passed': ['watched', 1, 'go'],
  },
  'leaving, nobody watches': {
    'somebody watches': ['leaving', 1],
    'somebody comes': ['watched', 1],
    'one who watched stops': 'cannot be',
    'one who was here stops': 'cannot be',
    'room is needed': ['unwatched', 0, 'end'],
    'time has passed': ['lingering', 0, 'go'],
  },
  lingering: {
    'somebody watches': ['watched', 1],
    'somebody comes': ['watched', 1, 'come'],
    'one who watched stops': 'cannot be',
    'one who was here stops': 'cannot be',
    'room is needed': ['unwatched', 0, 'end'],
    'time has passed': ['unwatched', 0, 'end'],
  },
}

const watchersOf = (state: Watch): number => ('watchers' in state ? state.watchers : 0)

function wordOf(effect: WatchEffect): string {
  switch (effect.type) {
    case 'begin':
      return effect.present ? 'begin here' : 'begin'
    case 'changePresent':
      return effect.present ? 'come' : 'go'
    case 'end':
      return 'end'
    default:
      return effect satisfies never
  }
}

const names = Object.keys(states) as Name[]
const possible = names.flatMap((name) =>
  (Object.keys(events) as (keyof typeof events)[]).flatMap((event) => {
    const cell = table[name][event]
    return cell === 'cannot be' ? [] : [{ name, event, cell }]
  }),
)

describe('C12', () => {
  test.each(possible)('C12 $name: $event', ({ name, event, cell }) => {
    const { state, effects } = step(states[name], events[event], moment(NOW))
    expect([state.status, watchersOf(state), ...effects.map(wordOf)]).toEqual(cell)
  })

  test.each(names)('C12 %s: before its time nothing comes of time', (name) => {
    const before = states[name]
    expect(step(before, { type: 'timePassed' }, moment(NOW - 1))).toEqual({ state: before, effects: [] })
  })
})

test('C40 the last to watch keeps the space for a while, and the last who is here is here for a moment', () => {
  const left = step(states['watched by one who is here'], { type: 'watchEnded', present: true }, moment(NOW)).state
  expect(wakesAtMs(left)).toBe(NOW + WATCH_TIMES.leaveAfterMs)
  const lingering = step(left, { type: 'timePassed' }, moment(NOW + WATCH_TIMES.leaveAfterMs)).state
  expect(wakesAtMs(lingering)).toBe(NOW + WATCH_TIMES.lingerMs)
  expect(step(lingering, { type: 'timePassed' }, moment(NOW + WATCH_TIMES.lingerMs)).state).toBe(unwatched)
})

/** Begins and ends of watches, each end of one that began, with pauses between. */
const history = fc.array(
  fc.record({ ends: fc.boolean(), present: fc.boolean(), pick: fc.nat(), waitMs: fc.nat(40_000) }),
  { maxLength: 40 },
)

test('C108 one is here exactly while one of those who watch is, and a moment longer', () => {
  fc.assert(
    fc.property(history, (acts) => {
      let state: Watch = unwatched
      let nowMs = NOW
      let isHere = false
      let isSubscribed = false
      let lastHereMs = Number.NEGATIVE_INFINITY
      let lastWatchedMs = Number.NEGATIVE_INFINITY
      const open: boolean[] = []
      const dispatch = (event: WatchEvent): void => {
        const next = step(state, event, moment(nowMs))
        state = next.state
        for (const effect of next.effects) {
          if (effect.type === 'end') [isHere, isSubscribed] = [false, false]
          else isHere = effect.present
          if (effect.type === 'begin') isSubscribed = true
        }
      }
      const check = (): void => {
        const wanted = open.includes(true) || nowMs < lastHereMs + WATCH_TIMES.leaveAfterMs
        expect([isHere, isSubscribed]).toEqual([
          wanted,
          open.length > 0 || nowMs < lastWatchedMs + WATCH_TIMES.lingerMs,
        ])
      }
      for (const { ends, present, pick, waitMs } of acts) {
        const untilMs = nowMs + waitMs
        for (let due = wakesAtMs(state); due !== undefined && due <= untilMs; due = wakesAtMs(state)) {
          nowMs = due
          dispatch({ type: 'timePassed' })
          check()
        }
        nowMs = untilMs
        const [ended] = ends ? open.splice(pick % Math.max(1, open.length), 1) : []
        if (ended !== undefined) {
          if (ended && !open.includes(true)) lastHereMs = nowMs
          if (open.length === 0) lastWatchedMs = nowMs
          dispatch({ type: 'watchEnded', present: ended })
        } else {
          open.push(present)
          if (present) lastHereMs = Number.NEGATIVE_INFINITY
          dispatch({ type: 'watchBegan', present })
        }
        check()
      }
    }),
  )
})
