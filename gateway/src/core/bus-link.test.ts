import { momentAt } from '@rhizom/machine/testing'
import type { TimePassed } from '@rhizom/machine'
import { describe, expect, test } from 'vitest'
import { type BusLink, type BusLinkEvent, busLinkWakesAtMs, startBusLink, stepBusLink } from './bus-link.ts'

const settings = { pingEveryMs: 1000, silenceMs: 2500, deafForMs: 5000 }

/** Runs events, each at its time, and tells what came of them as short words. */
function run(state: BusLink, ...events: (BusLinkEvent | TimePassed | number)[]): { state: BusLink; said: string[] } {
  const said: string[] = []
  let current = state
  let nowMs = 0
  for (const event of events) {
    if (typeof event === 'number') {
      nowMs = event
      continue
    }
    const step = stepBusLink(current, event, momentAt(nowMs), settings)
    current = step.state
    for (const effect of step.effects)
      said.push(effect.type === 'announceLost' ? (effect.isDeaf ? 'deaf' : 'lost') : effect.type)
  }
  return { state: current, said }
}

const connected = { type: 'connected' } as const
const disconnected = { type: 'disconnected' } as const
const joined = (connection: number): BusLinkEvent => ({ type: 'channelsJoined', connection })
const heads = { type: 'headsReceived' } as const
const apiAnswered = { type: 'apiAnswered' } as const
const timePassed = { type: 'timePassed' } as const

const states = {
  disconnected: startBusLink,
  joining: run(startBusLink, connected).state,
  up: run(startBusLink, connected, joined(1)).state,
  deaf: run(startBusLink, connected, joined(1), 2500, timePassed).state,
} satisfies Record<BusLink['status'], BusLink>

type EventName = (BusLinkEvent | TimePassed)['type'] | 'joined-late' | 'failed-late'
type Cell = readonly [BusLink['status'], ...string[]]
const events: Record<EventName, BusLinkEvent | TimePassed> = {
  connected,
  disconnected,
  channelsJoined: joined(1),
  'joined-late': joined(0),
  joinFailed: { type: 'joinFailed', connection: 1 },
  'failed-late': { type: 'joinFailed', connection: 0 },
  headsReceived: heads,
  apiAnswered,
  timePassed,
}

const table: Record<BusLink['status'], Record<EventName, Cell>> = {
  disconnected: {
    connected: ['joining', 'joinChannels'],
    disconnected: ['disconnected', 'lost'],
    channelsJoined: ['disconnected'],
    'joined-late': ['disconnected'],
    joinFailed: ['disconnected'],
    'failed-late': ['disconnected'],
    headsReceived: ['disconnected'],
    apiAnswered: ['disconnected'],
    timePassed: ['disconnected'],
  },
  joining: {
    connected: ['joining', 'joinChannels'],
    disconnected: ['disconnected', 'lost'],
    channelsJoined: ['up', 'announceRecovered'],
    'joined-late': ['joining'],
    joinFailed: ['joining', 'reconnect'],
    'failed-late': ['joining'],
    headsReceived: ['joining'],
    apiAnswered: ['joining'],
    timePassed: ['joining'],
  },
  up: {
    connected: ['joining', 'lost', 'joinChannels'],
    disconnected: ['disconnected', 'lost'],
    channelsJoined: ['up'],
    'joined-late': ['up'],
    joinFailed: ['up', 'reconnect'],
    'failed-late': ['up'],
    headsReceived: ['up'],
    apiAnswered: ['up'],
    timePassed: ['up'],
  },
  deaf: {
    connected: ['joining', 'joinChannels'],
    disconnected: ['disconnected', 'lost'],
    channelsJoined: ['deaf'],
    'joined-late': ['deaf'],
    joinFailed: ['deaf', 'reconnect'],
    'failed-late': ['deaf'],
    headsReceived: ['joining', 'joinChannels'],
    apiAnswered: ['deaf'],
    timePassed: ['deaf'],
  },
}

const statuses: readonly BusLink['status'][] = ['disconnected', 'joining', 'up', 'deaf']

describe('the connection to Redis', () => {
  for (const status of statuses)
    test(`G43 every event is decided: ${status}`, () => {
      for (const [name, event] of Object.entries(events)) {
        const { state, said } = run(states[status], event)
        const cells: Record<string, Cell> = table[status]
        expect([state.status, ...said], name).toEqual(cells[name])
      }
    })

  test('G43 that nothing arrives is said once, however often it tries', () => {
    expect(run(startBusLink, disconnected, disconnected, connected, disconnected, disconnected).said).toEqual([
      'lost',
      'joinChannels',
    ])
    expect(run(states.up, disconnected, connected, joined(2)).said).toEqual(['lost', 'joinChannels'])
    expect(run(states.up, disconnected, connected, joined(3)).said.at(-1)).toBe('announceRecovered')
  })

  test('G83 a connection that answers and carries nothing is deaf after a while, and whole again with the first heads', () => {
    expect(busLinkWakesAtMs(states.up)).toBe(1000)
    const heard = run(states.up, 1000, timePassed, 2000, heads, timePassed, 3000, timePassed, 4499, timePassed)
    expect(heard.said).toEqual(['ping', 'ping', 'ping', 'ping'])
    expect(heard.state.status).toBe('up')
    expect(run(heard.state, 4500, timePassed).said).toEqual(['deaf'])
    const back = run(states.deaf, heads, joined(1))
    expect(back.said).toEqual(['joinChannels', 'announceRecovered'])
    expect(back.state.status).toBe('up')
  })

  test('G83 it is given up for another one only if the api has answered meanwhile', () => {
    expect(run(states.deaf, 7500, timePassed).said).toEqual([])
    expect(run(states.deaf, 3000, apiAnswered, 7500, timePassed).said).toEqual(['leaveRedis'])
    const again = run(states.deaf, apiAnswered, 7500, timePassed, 12_499, timePassed, 12_500, timePassed)
    expect(again.said).toEqual(['leaveRedis', 'ping'])
    expect(run(states.deaf, disconnected).said).toEqual(['lost'])
  })
})
