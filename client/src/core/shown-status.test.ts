import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BLIP_MS, type ShownStatus, shownStatusMachine } from './shown-status.ts'
import type { SyncStatus } from './sync-status.ts'

const told = { sinceMs: 1, reason: undefined, next: 'nothing', nextAttemptAtMs: undefined, attempt: 0 } as const
const live: SyncStatus = {
  ...told,
  status: 'live',
  connectionId: 's',
  transport: 'websocket',
  remedy: undefined,
  pendingCount: 0,
}
const of = (status: 'connecting' | 'polling' | 'offline'): SyncStatus => ({
  ...told,
  status,
  remedy: undefined,
  pendingCount: 0,
})
const error: SyncStatus = { ...told, status: 'error', remedy: 'reload', pendingCount: 0 }

const at = (nowMs: number) => ({ nowMs, dateMs: 0, random: 0 })
const next = (state: ShownStatus, actual: SyncStatus, nowMs: number): ShownStatus =>
  shownStatusMachine.step(state, { type: 'statusChanged', actual }, at(nowMs)).state
const pass = (state: ShownStatus, nowMs: number): ShownStatus =>
  shownStatusMachine.step(state, { type: 'timePassed' }, at(nowMs)).state
const settled = (shown: SyncStatus): ShownStatus => ({ status: 'settled', shown })
const begin = settled(live)

test('C191 a connection that is back within a second was never shown as lost', () => {
  const lost = next(begin, of('connecting'), 0)
  expect(lost.shown).toEqual(live)
  const later = pass(lost, BLIP_MS - 1)
  expect(later.shown).toEqual(live)
  const back = next(later, live, BLIP_MS - 1)
  expect(back).toEqual({ status: 'settled', shown: live })
  expect(shownStatusMachine.wakesAtMs(back)).toBeUndefined()
})

test('C191 one that is not is shown after a second, as it is by then; what has stopped at once', () => {
  const lost = next(next(begin, of('connecting'), 0), of('offline'), 900)
  expect(shownStatusMachine.wakesAtMs(lost)).toBe(BLIP_MS)
  expect(pass(lost, BLIP_MS).shown.status).toBe('offline')
  expect(next(lost, error, 950).shown).toBe(error)
})

test('C191 what is waiting to be sent is counted meanwhile', () => {
  const lost = next(begin, { ...of('connecting'), pendingCount: 3 }, 0)
  expect(lost.shown).toMatchObject({ status: 'live', pendingCount: 3 })
})

const statuses = [live, of('connecting'), of('polling'), of('offline'), error]

test('C191 whatever comes when: nothing but good and final words show before they have lasted, and none is missing for more than a second', () => {
  const arbitraryChange = fc.record({ waitMs: fc.nat(2_500), actual: fc.constantFrom(...statuses) })
  fc.assert(
    fc.property(fc.array(arbitraryChange, { maxLength: 40 }), (changes) => {
      let state = begin
      let actual: SyncStatus = live
      let nowMs = 0
      /** Since when what is so and what is shown have different words. */
      let differsSinceMs: number | undefined
      const look = (before: ShownStatus) => {
        const { shown } = state
        if (shown.status !== before.shown.status) {
          expect(shown.status).toBe(actual.status)
          const isGood = ['live', 'polling', 'error'].includes(shown.status)
          if (!isGood) expect(nowMs - (differsSinceMs ?? nowMs)).toBe(BLIP_MS)
        }
        if (shown.status === actual.status) differsSinceMs = undefined
        else expect(nowMs - (differsSinceMs ??= nowMs)).toBeLessThan(BLIP_MS)
      }
      for (const { waitMs, actual: coming } of changes) {
        const untilMs = nowMs + waitMs
        const wakesAtMs = shownStatusMachine.wakesAtMs(state)
        if (wakesAtMs !== undefined && wakesAtMs <= untilMs) {
          nowMs = wakesAtMs
          const before = state
          state = pass(state, nowMs)
          look(before)
        }
        nowMs = untilMs
        const before = state
        actual = coming
        state = next(state, actual, nowMs)
        look(before)
      }
    }),
  )
})
