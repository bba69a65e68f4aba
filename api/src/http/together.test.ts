import { expect, test } from 'vitest'
import { DatabaseAway, OutcomeUnknown } from '../db/failure.ts'
import { oneAfterTheOther, together } from './together.ts'

const done = () => Promise.resolve()
const fails = (reason: Error) => () => Promise.reject(reason)
const away = new DatabaseAway('away')

test('A402 of parts at once one that fails leaves doubt if another was done, or is in doubt itself; else nothing was applied', async () => {
  await together([done, done])
  await expect(together([fails(away), done])).rejects.toThrow(OutcomeUnknown)
  await expect(together([fails(away), fails(new OutcomeUnknown('lost'))])).rejects.toThrow(OutcomeUnknown)
  await expect(together([fails(away), fails(new DatabaseAway('as well'))])).rejects.toBe(away)
})

test('A402 all of them are waited for, whatever becomes of the first', async () => {
  const second = Promise.withResolvers<void>()
  let isOver = false
  const both = together([fails(away), () => second.promise]).finally(() => (isOver = true))
  const over = both.catch(String)
  await new Promise((resolve) => setImmediate(resolve))
  expect(isOver).toBe(false)
  second.resolve()
  expect(await over).toContain('OutcomeUnknown')
})

test('A14 of parts one after the other none begins before the former is done, and none behind one that failed', async () => {
  const begun: number[] = []
  const part = (nth: number, then: () => Promise<void>) => () => {
    begun.push(nth)
    return then()
  }
  await expect(oneAfterTheOther([part(1, fails(away)), part(2, done)])).rejects.toBe(away)
  await expect(oneAfterTheOther([part(3, done), part(4, fails(away))])).rejects.toThrow(OutcomeUnknown)
  expect(begun).toEqual([1, 3, 4])
})
