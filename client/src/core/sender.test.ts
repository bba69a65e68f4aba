import type { Moment } from '@rhizom/machine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSending, notThere, type Sender, type SenderEffect, type SenderEvent, senderMachine } from './sender.ts'

const momentAt = (nowMs: number): Moment => ({ nowMs, dateMs: 0, random: 0 })

/** What a page holds and was told, from its effects alone. */
class Page {
  nowMs = 0
  state: Sender = notThere
  done: SenderEffect[] = []
  hasChannel = false
  hasAsked = false
  hasLock = false
  /** As of a queue before anybody told it. */
  sends = true

  take(event: SenderEvent): void {
    if (event.type === 'lockGranted') this.hasLock = true
    if (event.type === 'lockLost' || event.type === 'lockRefused') {
      this.hasLock = false
      this.hasAsked = false
    }
    if (event.type === 'tabsOpened') this.hasChannel = event.isShared
    const { state, effects } = senderMachine.step(this.state, event, momentAt(this.nowMs))
    this.state = state
    this.done = [...effects]
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: SenderEffect): void {
    if (effect.type === 'setSender') this.sends = effect.isSender
    if (effect.type === 'requestLock') {
      if (!this.hasChannel) throw new Error('a lock is asked for without a channel')
      this.hasAsked = true
    }
    if (effect.type === 'closeTabs') {
      this.hasChannel = false
      this.hasLock = false
      this.hasAsked = false
    }
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let turn = 0; ; turn += 1) {
      const wakesAtMs = senderMachine.wakesAtMs(this.state)
      if (wakesAtMs === undefined || wakesAtMs > untilMs) break
      if (turn > 1_000) throw new Error('it is woken without end')
      this.nowMs = wakesAtMs
      this.take({ type: 'timePassed' })
    }
    this.nowMs = untilMs
  }
}

/** A page that others send for. */
function follower(): Page {
  const page = new Page()
  page.take({ type: 'attended' })
  page.take({ type: 'storeOpened', turn: 1, isKept: true })
  page.take({ type: 'tabsOpened', isShared: true })
  page.take({ type: 'keptGiven', turn: 1, waits: false })
  return page
}

const turn = fc.nat(8)
const isTrue = fc.boolean()
type Act = { event: SenderEvent } | { waitMs: number }
const anAct: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ waitMs: fc.nat(6_000) }),
  fc.record({
    event: fc.oneof<fc.Arbitrary<SenderEvent>[]>(
      fc.record({
        type: fc.constantFrom(
          'attended',
          'left',
          'storeLost',
          'lockGranted',
          'lockLost',
          'lockRefused',
          'added',
          'senderHeard',
        ),
      }),
      fc.record({ type: fc.constant('storeOpened'), turn, isKept: isTrue }),
      fc.record({ type: fc.constant('tabsOpened'), isShared: isTrue }),
      fc.record({ type: fc.constant('keptGiven'), turn, waits: isTrue }),
      fc.record({ type: fc.constant('queueChanged'), waits: isTrue }),
    ),
  }),
)

/** Whether the world can bring this about: there is no lock for who did not ask, and no channel that nobody opened. */
function canHappen(event: SenderEvent, page: Page): boolean {
  if (event.type === 'lockGranted') return page.hasAsked && !page.hasLock
  if (event.type === 'lockLost' || event.type === 'lockRefused') return page.hasAsked
  return event.type !== 'tabsOpened' || page.done.some(({ type }) => type === 'openTabs')
}

const HOLDS: ReadonlySet<Sender['status']> = new Set(['follower', 'asking', 'granted', 'sender', 'parting'])

test('C315 whatever happens in whatever order: a page among others sends with the lock alone, and one that is left holds nothing', () => {
  fc.assert(
    fc.property(fc.array(anAct, { maxLength: 60, size: 'max' }), (acts) => {
      const page = new Page()
      for (const act of acts) {
        // Whoever opens a channel knows at once whether there is one.
        if (page.done.some(({ type }) => type === 'openTabs')) page.take({ type: 'tabsOpened', isShared: true })
        if ('waitMs' in act) page.advance(act.waitMs)
        else if (canHappen(act.event, page)) page.take(act.event)
        const { status } = page.state
        if (status === 'sender') expect(page.hasLock).toBe(true)
        if (HOLDS.has(status)) {
          expect(page.hasChannel).toBe(true)
          expect(page.sends).toBe(isSending(page.state))
        }
        if (status === 'follower' || status === 'asking') expect(page.hasAsked).toBe(true)
        if (status === 'alone') expect(page.sends).toBe(true)
        if (status === 'left' || status === 'alone') expect([page.hasChannel, page.hasLock]).toEqual([false, false])
      }
      page.take({ type: 'closed' })
      page.take({ type: 'left' })
      expect([page.hasChannel, page.hasLock, senderMachine.wakesAtMs(page.state)]).toEqual([false, false, undefined])
    }),
    { numRuns: 500 },
  )
})

test('C315 what a former stay or grant had asked for changes nothing', () => {
  const page = new Page()
  page.take({ type: 'attended' })
  page.take({ type: 'left' })
  page.take({ type: 'attended' })
  page.take({ type: 'storeOpened', turn: 1, isKept: true })
  expect(page.state).toEqual({ status: 'opening', turn: 2 })
  page.take({ type: 'storeOpened', turn: 2, isKept: true })
  page.take({ type: 'tabsOpened', isShared: true })
  page.take({ type: 'keptGiven', turn: 1, waits: true })
  expect(page.state).toMatchObject({ status: 'joining' })
  page.take({ type: 'keptGiven', turn: 2, waits: false })
  page.take({ type: 'lockGranted' })
  page.take({ type: 'lockLost' })
  page.take({ type: 'lockGranted' })
  // What the first grant had read comes now.
  page.take({ type: 'keptGiven', turn: 3, waits: false })
  expect(page.state).toEqual({ status: 'granted', turn: 4 })
  page.take({ type: 'keptGiven', turn: 4, waits: false })
  expect(page.state.status).toBe('sender')
})

test('C153 C315 one that says nothing for 4 s after it was asked loses the lock; one that answers never, however long it takes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_999 }), fc.integer({ min: 1, max: 200 }), (answersAfterMs, times) => {
      const page = follower()
      page.take({ type: 'queueChanged', waits: true })
      page.take({ type: 'added' })
      for (let asked = 0; asked < times; asked += 1) {
        expect(page.done).toEqual([{ type: 'askWhoSends' }])
        page.advance(answersAfterMs)
        page.take({ type: 'senderHeard' })
        page.advance(4_000 - answersAfterMs)
      }
      page.advance(3_999)
      expect(page.done).toEqual([{ type: 'askWhoSends' }])
      page.advance(1)
      expect(page.done).toEqual([{ type: 'requestLock', steal: true }])
    }),
  )
})

test('C315 while nothing waits nobody is asked, and no lock is taken', () => {
  const page = follower()
  page.take({ type: 'queueChanged', waits: true })
  page.take({ type: 'added' })
  page.take({ type: 'queueChanged', waits: false })
  expect(senderMachine.wakesAtMs(page.state)).toBeUndefined()
  page.advance(3_600_000)
  expect(page.state.status).toBe('follower')
})

test('C316 a lock that was taken is asked for again; one that the browser refuses is not: the page sends what it has itself', () => {
  const page = follower()
  page.take({ type: 'lockGranted' })
  page.take({ type: 'keptGiven', turn: 2, waits: false })
  page.take({ type: 'lockLost' })
  expect(page.done).toEqual([
    { type: 'setSender', isSender: false },
    { type: 'requestLock', steal: false },
  ])
  // It was granted and taken before this page was told of the first.
  page.take({ type: 'lockLost' })
  expect(page.done).toEqual([{ type: 'requestLock', steal: false }])
  expect(page.state.status).toBe('follower')
  page.take({ type: 'lockRefused' })
  expect(page.done).toEqual([{ type: 'closeTabs' }, { type: 'setSender', isSender: true }])
  expect(page.state.status).toBe('alone')
})

test('C315 a store that is lost leaves a second for the word that all was erased, and then each sends what it has', () => {
  const page = follower()
  page.take({ type: 'storeLost' })
  page.advance(999)
  expect([page.state.status, page.sends]).toEqual(['parting', false])
  page.advance(1)
  expect([page.state.status, page.sends, page.hasChannel]).toEqual(['alone', true, false])
})
