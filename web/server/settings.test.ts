import { expect, test } from 'vitest'
import { readSettings } from './settings.ts'

const sound = { PAGE_DIRECTORY: '/page', API_URLS: 'http://a:1, http://b:2', GATEWAY_URLS: 'http://[::1]:3' }

test('W34 what is not given has a default, and lists are lists', () => {
  expect(readSettings(sound)).toMatchObject({
    HOST: '127.0.0.1',
    API_URLS: ['http://a:1', 'http://b:2'],
    GATEWAY_URLS: ['http://[::1]:3'],
    MAX_BODY_BYTES: 1024 * 1024,
    REQUEST_TIMEOUT_MS: 10_000,
  })
  expect(readSettings({ ...sound, PAGE_NAMES: 'a,b' }).PAGE_NAMES).toEqual(['a', 'b'])
})

test.each([
  ['API_URLS', 'hunter2'],
  ['GATEWAY_URLS', ''],
  ['PORT', '70000'],
  ['MAX_BODY_BYTES', '-1'],
  ['PAGE_DIRECTORY', ''],
])('W34 %s=%j is refused by name', (name, value) => {
  const read = (): unknown => readSettings({ ...sound, [name]: value })
  expect(read).toThrow(name)
  expect(read).not.toThrow('hunter2')
})
