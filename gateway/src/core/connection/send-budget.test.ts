import { describe, expect, test } from 'vitest'
import {
  budgetWakesAtMs,
  fresh,
  type SendBudget,
  type SendEvent,
  type SendVerdict,
  stepSendBudget,
} from './send-budget.ts'

const settings = { maxUnsentBytes: 1000, stallMs: 100 }
const allowing: SendBudget = { status: 'allowing', limitBytes: 6000, leastBytes: 6000, progressAtMs: 0 }
const spent: SendBudget = { status: 'spent' }

type Case = readonly [string, SendBudget, SendEvent, number, SendBudget['status'], SendVerdict]
const cases: readonly Case[] = [
  ['live within', fresh, { type: 'liveOffered', unsentBytes: 1000 }, 0, 'flowing', 'send'],
  ['live over', fresh, { type: 'liveOffered', unsentBytes: 1001 }, 0, 'spent', 'close'],
  [
    'live within what an answer was allowed',
    allowing,
    { type: 'liveOffered', unsentBytes: 6000 },
    0,
    'allowing',
    'send',
  ],
  ['live over what an answer was allowed', allowing, { type: 'liveOffered', unsentBytes: 6001 }, 0, 'spent', 'close'],
  ['answer', fresh, { type: 'answerOffered', unsentBytes: 900, answerBytes: 5000 }, 0, 'allowing', 'send'],
  ['answer when full', allowing, { type: 'answerOffered', unsentBytes: 1001, answerBytes: 1 }, 0, 'allowing', 'wait'],
  ['sent at once', allowing, { type: 'sendEnded', outcome: 'sent' }, 0, 'flowing', 'nothing'],
  ['queued', allowing, { type: 'sendEnded', outcome: 'queued' }, 0, 'allowing', 'nothing'],
  ['writable', allowing, { type: 'writable', unsentBytes: 1000 }, 0, 'flowing', 'nothing'],
  ['not read yet', allowing, { type: 'writable', unsentBytes: 1001 }, 99, 'allowing', 'nothing'],
  ['stalled', allowing, { type: 'timePassed', unsentBytes: 6000 }, 100, 'spent', 'close'],
  ['slow but moving', allowing, { type: 'timePassed', unsentBytes: 5999 }, 100, 'allowing', 'nothing'],
  ['quiet', fresh, { type: 'timePassed', unsentBytes: 500 }, 1e9, 'flowing', 'nothing'],
  ['spent', spent, { type: 'liveOffered', unsentBytes: 0 }, 0, 'spent', 'nothing'],
]

describe('the send budget', () => {
  for (const [name, state, event, now, status, verdict] of cases)
    test(`G52 ${name}`, () => {
      const step = stepSendBudget(state, event, now, settings)
      expect([step.state.status, step.verdict]).toEqual([status, verdict])
    })

  test('G53 dropped closes, in any state and at any fill', () => {
    for (const state of [fresh, allowing])
      expect(stepSendBudget(state, { type: 'sendEnded', outcome: 'dropped' }, 0, settings)).toEqual({
        state: spent,
        verdict: 'close',
      })
  })

  test('G52 progress moves the time at which a surplus counts as stalled', () => {
    expect(budgetWakesAtMs(allowing, settings)).toBe(100)
    const { state } = stepSendBudget(allowing, { type: 'writable', unsentBytes: 5000 }, 80, settings)
    expect(budgetWakesAtMs(state, settings)).toBe(180)
    expect(budgetWakesAtMs(fresh, settings)).toBeUndefined()
  })
})
