import { describe, expect, test } from 'vitest'
import { momentAt } from '@rhizom/machine/testing'
import { type Handover, type HandoverEffect, type HandoverEvent, handoverMachine } from './handover.ts'

const NOW = 1000
const at = momentAt(NOW)
const plan = { reason: 'goodbye', transport: 'websocket', attempt: 0 } as const

type Status = Handover['status']
type Type = HandoverEvent['type'] | 'timePassed'

const states: { [S in Status]: Extract<Handover, { status: S }> } = {
  none: { status: 'none' },
  due: { ...plan, status: 'due', atMs: NOW },
  opening: { ...plan, status: 'opening', givesUpAtMs: NOW },
  greeting: { ...plan, status: 'greeting', givesUpAtMs: NOW },
  moving: { ...plan, status: 'moving', givesUpAtMs: NOW, connectionId: 'next', heartbeatMs: 1000 },
}

const events: { [T in Type]: Extract<Parameters<typeof handoverMachine.step>[1], { type: T }> } = {
  planned: { type: 'planned', reason: 'better', transport: 'sse', atMs: NOW + 5, attempt: 2 },
  formerLost: { type: 'formerLost' },
  cancelled: { type: 'cancelled' },
  socketOpened: { type: 'socketOpened' },
  welcomed: { type: 'welcomed', connectionId: 'next', heartbeatMs: 1000 },
  socketClosed: { type: 'socketClosed', floorMs: 0 },
  allAnswered: { type: 'allAnswered' },
  timePassed: { type: 'timePassed' },
}

type Cell = [Status, ...HandoverEffect['type'][]]

const ignored = (status: Status): Record<Type, Cell> => ({
  planned: [status],
  formerLost: ['none'],
  cancelled: ['none'],
  socketOpened: [status],
  welcomed: [status],
  socketClosed: [status],
  allAnswered: [status],
  timePassed: [status],
})

const table: Record<Status, Record<Type, Cell>> = {
  none: { ...ignored('none'), planned: ['due'] },
  due: { ...ignored('due'), timePassed: ['opening', 'openNext'] },
  opening: {
    ...ignored('opening'),
    formerLost: ['none', 'closeNext'],
    cancelled: ['none', 'closeNext'],
    socketOpened: ['greeting', 'sendHello'],
    socketClosed: ['due'],
    timePassed: ['due', 'closeNext'],
  },
  greeting: {
    ...ignored('greeting'),
    formerLost: ['none', 'closeNext'],
    cancelled: ['none', 'closeNext'],
    welcomed: ['moving', 'moveSpaces'],
    socketClosed: ['due'],
    timePassed: ['due', 'closeNext'],
  },
  moving: {
    ...ignored('moving'),
    formerLost: ['none', 'complete'],
    cancelled: ['none', 'closeNext'],
    socketClosed: ['due', 'moveBack'],
    allAnswered: ['none', 'complete'],
    timePassed: ['none', 'complete'],
  },
}

describe.each(Object.values(states))('C84 $status', (state) => {
  test.each(Object.values(events))('C84 on $type', (event) => {
    const [status, ...effects] = table[state.status][event.type]
    const next = handoverMachine.step(state, event, at)
    expect([next.state.status, ...next.effects.map(({ type }) => type)]).toEqual([status, ...effects])
  })
})

test('C84 a move that fails is tried again ever later: soon to leave a gateway that stops, rarely for something better', () => {
  const againAfterMs = (reason: 'goodbye' | 'better', attempt: number): number => {
    const { state } = handoverMachine.step({ ...states.opening, reason, attempt }, events.socketClosed, at)
    return (handoverMachine.wakesAtMs(state) ?? 0) - NOW
  }
  expect(againAfterMs('goodbye', 0)).toBeLessThan(1_000)
  const asked = handoverMachine.step(states.opening, { type: 'socketClosed', floorMs: 7_000 }, at).state
  expect((handoverMachine.wakesAtMs(asked) ?? 0) - NOW).toBeGreaterThanOrEqual(7_000)
  expect(againAfterMs('goodbye', 3)).toBeGreaterThan(againAfterMs('goodbye', 0))
  expect(againAfterMs('better', 0)).toBeGreaterThanOrEqual(4_000)
  expect(againAfterMs('better', 6)).toBeGreaterThan(60_000)
})
