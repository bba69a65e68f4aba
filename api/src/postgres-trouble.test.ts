import { expect, test } from 'vitest'
import { DatabaseAway } from './db/failure.ts'
import { postgresTrouble } from './postgres-trouble.ts'

const withCode = (code: string, message = 'what Postgres says'): Error => Object.assign(new Error(message), { code })
const away = (cause: Error): Error =>
  new DatabaseAway('Postgres does not answer', { cause: new DatabaseAway('not let in', { cause }) })

test.each([
  ['28P01', 'refuses this user or password'],
  ['28000', 'refuses this user or password'],
  ['3D000', 'no database of this name'],
  ['42P01', 'lacks tables'],
  ['42501', 'may not do what is asked'],
  ['25006', 'a replica'],
  ['53300', 'no connections left'],
  ['57P03', 'not ready'],
  ['08P01', 'refuses how this process speaks'],
  ['ECONNREFUSED', 'is not reached'],
])('N50 %s is told as: %s, whatever it is wrapped in', (code, reason) => {
  for (const error of [withCode(code), away(withCode(code)), new AggregateError([withCode('x'), withCode(code)])]) {
    expect(postgresTrouble(error).reason).toContain(reason)
    expect(postgresTrouble(error).problem).toBe('what Postgres says')
  }
})

test('N50 causes that go in a circle, and what is no error, have an end', () => {
  const circle = new Error('round')
  circle.cause = circle
  expect(postgresTrouble(circle)).toMatchObject({ problem: 'round' })
  expect(postgresTrouble('a text')).toMatchObject({ problem: 'a text' })
  expect(postgresTrouble(new Error(''))).toMatchObject({ problem: 'Error' })
})
