import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Readability, Asking } from '../read/admission.ts'
import { Admissions } from './admissions.ts'

function questions(most: number) {
  const asked: {
    asking: readonly Asking[]
    answer: (admissions: Readability[]) => void
    fail: (why: Error) => void
  }[] = []
  const admissions = new Admissions((asking) => {
    const { promise, resolve, reject } = Promise.withResolvers<Readability[]>()
    asked.push({ asking, answer: resolve, fail: reject })
    return promise
  }, most)
  return { asked, ask: (actor: string) => admissions.ask({ actor, session: undefined, space: '@room' }) }
}

test('A110 those that come while a question is under way share the next, and each gets its own answer', async () => {
  const { asked, ask } = questions(2)
  const first = ask('@a')
  await turn()
  const rest = ['@b', '@c', '@d'].map(ask)
  expect(asked.map(({ asking }) => asking.map(({ actor }) => actor))).toEqual([['@a']])
  asked[0]?.answer(['readable'])
  expect(await first).toBe('readable')
  expect(asked[1]?.asking.map(({ actor }) => actor)).toEqual(['@b', '@c'])
  asked[1]?.answer(['hidden', 'absent'])
  expect(await Promise.all(rest.slice(0, 2))).toEqual(['hidden', 'absent'])
  asked[2]?.answer(['gone'])
  expect(await rest[2]).toBe('gone')
})

test('A110 a question that fails fails those that share it, and the next is asked', async () => {
  const { asked, ask } = questions(10)
  const failed = ['@a', '@c'].map((actor) => ask(actor).catch(String))
  await turn()
  const next = ask('@b')
  asked[0]?.fail(new Error('away'))
  expect(await Promise.all(failed)).toEqual(['Error: away', 'Error: away'])
  asked[1]?.answer(['readable'])
  expect(await next).toBe('readable')
})
