import { isRedisFailure } from '@rhizom/process'
import { expect, test } from 'vitest'

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })
const coded = (code: string): Error => Object.assign(new Error('connect'), { code })

test.each([
  named('MaxRetriesPerRequestError', 'Reached the max retries per request limit'),
  named('AbortError', 'Command aborted due to connection close'),
  new Error('Connection is closed.'),
  new Error('Command timed out'),
  new Error("Stream isn't writeable and enableOfflineQueue options is false"),
  coded('ECONNREFUSED'),
  coded('ETIMEDOUT'),
  named('ReplyError', 'LOADING Redis is loading the dataset in memory'),
  named('ReplyError', "READONLY You can't write against a read only replica."),
  named('ReplyError', 'WRONGTYPE Operation against a key holding the wrong kind of value'),
])('A71 %s is Redis being away', (error) => {
  expect(isRedisFailure(error)).toBe(true)
})

test.each([
  new TypeError("Cannot read properties of undefined (reading 'slice')"),
  new RangeError('Invalid time value'),
  new Error('something'),
  named('ReplyError', "ERR wrong number of arguments for 'hmget' command"),
  named('ReplyError', 'ERR Error running script'),
  coded('ERR_INVALID_ARG_TYPE'),
  'LOADING ',
  undefined,
])('A71 %s is a fault of ours', (error) => {
  expect(isRedisFailure(error)).toBe(false)
})
