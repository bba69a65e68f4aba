import { checkValue, mutationIdCheck } from '@rhizom/protocol'
import { afterEach, expect, test, vi } from 'vitest'
import { newId } from './new-id.ts'

afterEach(() => void vi.useRealTimers())

test('C180 new ids are uuids of version 7 that carry the time, and each sorts after the one before', () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const startMs = Date.now() + 60_000
  const ids: string[] = []
  for (const nowMs of [startMs, startMs, startMs + 5, startMs - 86_400_000, startMs + 6]) {
    vi.setSystemTime(nowMs)
    for (let count = 0; count < 10_000; count++) ids.push(newId())
  }
  expect(ids.filter((id) => !checkValue(mutationIdCheck, id).ok)).toEqual([])
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.toSorted()).toEqual(ids)
  expect(ids.every((id) => id[14] === '7')).toBe(true)
  vi.setSystemTime(startMs + 1_000)
  expect(Number.parseInt(newId().replace('-', '').slice(0, 12), 16)).toBe(startMs + 1_000)
})
